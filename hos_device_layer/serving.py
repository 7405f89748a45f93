"""Serve ROS services whose responses reach their clients."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.service import Service
from rclpy.timer import Timer

from .qos import SERVICE_QOS

# The interval between two attempts to send a response [s]. Each attempt stops the whole process
# for 100 ms if the client still cannot be reached.
RETRY_S = 0.5

# How long a response waits for its client [s]. Fast DDS repeats announcements that were lost every
# 3 s.
GIVE_UP_S = 10.0

# The Python warning with which rclpy reports that the client has not been discovered completely.
_NOT_DISCOVERED = 'failed to send response'


def serve(
    node: Node, service_type: Any, name: str, callback: Callable[[Any, Any], Any]
) -> Service:
    """
    Create a service that sends its responses until its clients can receive them.

    A request can arrive before the service has discovered where to send the response. Fast DDS
    then gives up after 100 ms, and the caller would wait for ever.
    """
    # Set here rather than for each response: that is slow, and changes the filters of all threads.
    warnings.filterwarnings('error', _NOT_DISCOVERED, RuntimeWarning)
    service = node.create_service(service_type, name, callback, qos_profile=SERVICE_QOS)
    responses = _Responses(node, service.service_name, service.send_response)
    # The events executor calls this attribute as soon as the callback returns.
    setattr(service, 'send_response', responses.send)  # noqa: B010
    return service


class _Unsent(NamedTuple):
    send: Callable[[], None]
    since: float


class _Responses:
    """Sends the responses of one service, again if necessary."""

    def __init__(self, node: Node, name: str, send: Callable[[Any, Any], None]) -> None:
        self._node = node
        self._name = name
        self._send = send
        self._unsent: deque[_Unsent] = deque()
        self._timer: Timer | None = None

    def send(self, response: Any, header: Any) -> None:
        """Send a response, or keep it until its client can be reached."""
        send = partial(self._send, response, header)
        if not _is_sent(send):
            self._unsent.append(_Unsent(send, time.monotonic()))
            self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = self._node.create_timer(RETRY_S, self._send_again, clock=steady)

    def _send_again(self) -> None:
        while self._unsent:
            unsent = self._unsent.popleft()
            if not self._is_settled(unsent):
                # One attempt at a time, in turn: each may take 100 ms.
                self._unsent.append(unsent)
                return
        assert self._timer is not None
        self._node.destroy_timer(self._timer)
        self._timer = None

    def _is_settled(self, unsent: _Unsent) -> bool:
        try:
            if _is_sent(unsent.send):
                return True
        except InvalidHandle:
            # The service was destroyed in the meantime.
            return True
        if time.monotonic() - unsent.since < GIVE_UP_S:
            return False
        self._node.get_logger().error(
            f'{self._name}: a client could not be reached for {GIVE_UP_S:g} s, its response was '
            'dropped; check that the client asks for a volatile, reliable service'
        )
        return True


def _is_sent(send: Callable[[], None]) -> bool:
    """Send a response; returns False if it may be sent later, and raises other errors."""
    try:
        send()
    except SystemError as error:
        # rclpy does not check whether its warning has become an exception.
        if not isinstance(error.__cause__, RuntimeWarning):
            raise
        return False
    except InvalidHandle:
        raise
    except (RuntimeWarning, rclpy_implementation.RCLError):
        return False
    return True
