"""Bounds the log lines that peers of the gateway can cause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp.http_exceptions import HttpProcessingError

from ...core.log_rate_limiter import LogRateLimiter
from ...core.text import counted

# More than a person can read.
_LINES_PER_S = 10

# Each peer can cause lines of these; aiohttp writes one for each invalid request.
_BOUNDED = (
    *(f'{__package__}.{module}' for module in ('authentication', 'host_files', 'server')),
    *('aiohttp.server', 'aiohttp.web', 'aiohttp.websocket', 'asyncio'),
)


class BoundedLog(logging.Filter):
    """Passes a few records a second, and tells in the next how many it has suppressed."""

    def __init__(self, lines: int = _LINES_PER_S) -> None:
        super().__init__()
        self._limiter = LogRateLimiter(lines)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        if not self._limiter.admit(time.monotonic()):
            return False
        if withheld := self._limiter.take_withheld():
            record.msg = f'{record.getMessage()} ({counted(withheld, "line")} before not logged)'
            record.args = None
        return True


def quote_nothing(record: logging.LogRecord) -> bool:
    """Replace what aiohttp logs of an invalid request: it quotes the request, with its token."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg = f'{record.getMessage()}: {type(error).__name__}'
        record.args = record.exc_info = None
    return True


@contextmanager
def bounded_logging() -> Iterator[None]:
    """Bound, each by itself, the loggers of the gateway and of its libraries."""
    filters: list[tuple[logging.Logger, logging.Filter | Callable[..., bool]]] = [
        (logging.getLogger('aiohttp.server'), quote_nothing),
        *((logging.getLogger(name), BoundedLog()) for name in _BOUNDED),
    ]
    for logger, bound in filters:
        logger.addFilter(bound)
    try:
        yield
    finally:
        for logger, bound in filters:
            logger.removeFilter(bound)
