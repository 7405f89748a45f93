"""Opens the device manager's gateway, and tries again until it can listen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer

from .core.health import Finding, Severity
from .links.gateway import GatewayError

# How often opening is tried again: soon enough after an earlier program has left the port [s].
_RETRY_S = 5.0


class GatewayOpening:
    """
    Calls `open_gateway` on the executor's thread until it raises no GatewayError.

    Begins when the node is spun: the gateway needs its executor.
    """

    def __init__(self, node: Node, open_gateway: Callable[[], None]) -> None:
        self._node = node
        self._open_gateway = open_gateway
        self._error = ''
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._first = node.create_timer(0.0, self._begin, clock=self._clock)
        self._retry: Timer | None = None

    def findings(self) -> Sequence[Finding]:
        """Return why the gateway does not listen."""
        if not self._error:
            return ()
        return (Finding(Severity.ERROR, f'{self._error}. Devices without ROS cannot connect'),)

    def _begin(self) -> None:
        self._first.cancel()
        if not self._try():
            self._retry = self._node.create_timer(_RETRY_S, self._try_again, clock=self._clock)

    def _try_again(self) -> None:
        if self._try() and self._retry is not None:
            self._retry.cancel()

    def _try(self) -> bool:
        try:
            self._open_gateway()
        except GatewayError as error:
            self._fail(str(error))
            return False
        self._error = ''
        return True

    def _fail(self, error: str) -> None:
        if error != self._error:
            self._error = error
            self._node.get_logger().error(
                f'{error}. Devices without ROS cannot connect; trying again every {_RETRY_S:g} s'
            )
