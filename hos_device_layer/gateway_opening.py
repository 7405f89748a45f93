"""Opens the device manager's gateway in the background, and tries again until it can listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from .core.health import Finding, Severity
from .links.gateway import Gateway, GatewayError

# How often opening is tried again: soon enough after an earlier program has left the port [s].
_RETRY_S = 5.0

# How often is looked whether to try again; what takes longer than this is reported [s].
_CHECK_S = 1.0

_NO_DEVICES = 'Devices without ROS cannot connect'


class GatewayOpening:
    """
    Opens the gateways that `create` returns, one after the other, until one listens.

    That one is passed to `opened`. Must be used on the executor's thread, where it calls both.
    `address` is what the gateway is to listen on, for messages.
    """

    def __init__(
        self,
        node: Node,
        address: str,
        create: Callable[[], Gateway],
        opened: Callable[[Gateway], object],
    ) -> None:
        self._log = node.get_logger()
        self._address = address
        self._create = create
        self._opened = opened
        self._opening: Gateway | None = None
        self._finding: Finding | None = None
        self._retry_at = 0.0
        self._timer = node.create_timer(
            _CHECK_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._begin()

    def findings(self) -> Sequence[Finding]:
        """Return why the gateway does not listen."""
        return () if self._finding is None else (self._finding,)

    def stop(self) -> None:
        """Do not open a gateway any more; returns at once."""
        self._timer.cancel()
        if self._opening is not None:
            self._opening.stop()
            self._opening = None

    def _begin(self) -> None:
        self._opening = gateway = self._create()
        gateway.open(lambda error: self._end(gateway, error))

    def _check(self) -> None:
        if self._opening is None:
            if time.monotonic() >= self._retry_at:
                self._begin()
        elif self._finding is None:
            text = (
                'the gateway does not listen yet: waiting for the name server to resolve '
                f'{self._address!r}, the parameter gateway_address. {_NO_DEVICES}'
            )
            self._finding = Finding(Severity.WARN, text)
            self._log.warning(text)

    def _end(self, gateway: Gateway, error: GatewayError | None) -> None:
        if gateway is not self._opening:
            # `stop` was called.
            return
        self._opening = None
        if error is None:
            self._timer.cancel()
            self._finding = None
            self._opened(gateway)
        else:
            self._retry_at = time.monotonic() + _RETRY_S
            self._fail(f'{error}. {_NO_DEVICES}')

    def _fail(self, text: str) -> None:
        finding = Finding(Severity.ERROR, text)
        if finding != self._finding:
            self._finding = finding
            self._log.error(f'{text}; trying again every {_RETRY_S:g} s')
