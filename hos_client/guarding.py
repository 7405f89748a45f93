"""Exceptions in functions of the program: logged, so that they cost only the call."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)

# They do not come from the function that they interrupt.
_FROM_OUTSIDE = (KeyboardInterrupt, GeneratorExit)


def report_exception(what: str, error: BaseException) -> None:
    """
    Log an exception of the program, also SystemExit and CancelledError.

    Raises it again if it comes from outside, such as KeyboardInterrupt.
    """
    if isinstance(error, _FROM_OUTSIDE):
        raise error
    _log.error('%s: %s', what, error or type(error).__name__, exc_info=error)


def guarded(what: str, function: Callable[[], object]) -> None:
    """Call a function of the program; `what` names it in the log if it raises."""
    try:
        function()
    except BaseException as error:
        report_exception(what, error)
