"""How values from outside are shown in errors and log lines."""

from __future__ import annotations

import reprlib
import time
from collections.abc import Iterable

# Long enough to recognise a value, short enough for a log message.
SHOWN_CHARACTERS = 120

_SYMBOL_FOR_NUL = '\u2400'


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, with the plural `s` unless it is 1."""
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def without_nul(text: str) -> str:
    """Show each NUL as ␀; the strings of ROS messages end at the first NUL."""
    return text.replace('\0', _SYMBOL_FOR_NUL)


def local_time(epoch_s: float, pattern: str) -> str:
    """Return a time from outside in the pattern of `time.strftime`; never raises."""
    try:
        return time.strftime(pattern, time.localtime(epoch_s))
    except (ValueError, OverflowError, OSError):
        return f'{epoch_s:g} s since 1970'


def not_utf8(arguments: Iterable[str]) -> str:
    """Return which of the arguments of a program is not UTF-8, and what to do; '' if none is."""
    for argument in arguments:
        if not _is_utf8(argument):
            found = shortened(argument.encode(errors='surrogateescape'))
            return f'expected arguments in UTF-8, found {found}; enter it in a UTF-8 terminal'
    return ''


def _is_utf8(text: str) -> bool:
    # Python shows a byte that it cannot decode as a surrogate, which no UTF-8 contains.
    return not any('\ud800' <= character <= '\udfff' for character in text)


def shortened(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    """Quote a value from outside on one line, cut after `limit` characters; never raises."""
    if isinstance(value, str):
        return repr(value if len(value) <= limit else value[:limit] + '…')
    try:
        text = reprlib.repr(value)  # unlike repr(), limits the depth
    except ValueError:
        text = f'a very long {type(value).__name__}'  # an integer of thousands of digits
    return text if len(text) <= limit else text[:limit] + '…'
