"""Exceptions in functions of the program: logged, so that they cost only the call."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable

_log = logging.getLogger(__name__)


def report_exception(what: str, error: BaseException) -> None:
    """
    Log an exception of the program, also SystemExit and CancelledError.

    On the main thread KeyboardInterrupt is raised again: it may be Ctrl-C.
    """
    if isinstance(error, KeyboardInterrupt) and _is_main_thread():
        raise error
    # Its text may have characters that cannot be written, or its __str__ may raise.
    text = ''.join(traceback.format_exception(error)).encode('utf-8', 'replace').decode()
    _log.error('%s: %s', what, text.rstrip())


def guarded(what: str, function: Callable[[], object]) -> None:
    """Call a function of the program; `what` names it in the log if it raises."""
    try:
        function()
    except BaseException as error:
        report_exception(what, error)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
