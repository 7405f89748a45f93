"""The device manager's log messages about devices and callers, with rate limits."""

from __future__ import annotations

import time

from rclpy.impl.rcutils_logger import RcutilsLogger

from .core.dispatch.effects import LogDropped, PublishConnectionEvent
from .core.log_rate_limiter import LogRateLimiter
from .core.text import counted

# More than a person can read. Connection events have their own limit, so that a fleet that
# connects at once does not suppress any warning.
_WARNINGS_PER_S = 20
_EVENTS_PER_S = 100


class ManagerLog:
    """Logs what devices and callers cause, within rate limits."""

    def __init__(self, logger: RcutilsLogger) -> None:
        self._logger = logger
        self._warnings = LogRateLimiter(_WARNINGS_PER_S)
        self._events = LogRateLimiter(_EVENTS_PER_S)

    def dropped(self, effect: LogDropped) -> None:
        """Log why something was not processed."""
        if self._warnings.admit(time.monotonic()):
            self._logger.warning(f'dropped: {effect.reason}')

    def connection_event(self, effect: PublishConnectionEvent) -> None:
        """Log the change of a connection."""
        if self._events.admit(time.monotonic()):
            device_id = effect.device.device_id
            self._logger.info(f'{device_id} (uid {effect.uid}): {effect.event.value}')

    def report_withheld(self) -> None:
        """Log how many messages the limits have suppressed; must be called regularly."""
        if withheld := self._warnings.take_withheld():
            self._logger.warning(f'{_withheld(withheld, "more warning")} not logged')
        if withheld := self._events.take_withheld():
            self._logger.info(f'{_withheld(withheld, "more connection event")} not logged')


def _withheld(number: int, noun: str) -> str:
    return f'{counted(number, noun)} {"was" if number == 1 else "were"}'
