"""Serve ROS services whose responses reach their clients."""

from __future__ import annotations

import itertools
import time
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.service import Service
from rclpy.timer import Timer

from .core.text import counted
from .qos import SERVICE_QOS

# The interval between two rounds of attempts to send the responses that are kept [s]. An attempt
# stops the whole process for 100 ms if the client cannot be reached; it ends the round.
RETRY_S = 0.5

# How many failed attempts in one second stop the attempts to send responses at once: a caller
# that was killed can leave hundreds of requests.
FAILURES_PER_S = 3

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


@dataclass(eq=False)
class _Unsent:
    send: Callable[[], None]
    since: float
    attempts: int


class _Responses:
    """
    Sends the responses of one service, again if necessary.

    Nothing tells which client a response is for. So those that were tried the least, and among
    them the newest, are tried first: what a client that has gone has left delays nobody else.
    """

    def __init__(self, node: Node, name: str, send: Callable[[Any, Any], Any]) -> None:
        self._node = node
        self._name = name
        self._send = send
        self._unsent: dict[_Unsent, None] = {}  # the oldest first
        self._failures: deque[float] = deque(maxlen=FAILURES_PER_S)
        self._rounds = itertools.count()
        self._timer: Timer | None = None

    def send(self, response: Any, header: Any) -> None:
        """Send a response, or keep it until its client can be reached."""
        unsent = _Unsent(partial(self._send, response, header), time.monotonic(), 0)
        if self._has_failed_often(unsent.since) or not self._try(unsent):
            self._unsent[unsent] = None
            self._start_timer()

    def _has_failed_often(self, now: float) -> bool:
        return len(self._failures) == FAILURES_PER_S and now - self._failures[0] < 1.0

    def _try(self, unsent: _Unsent) -> bool:
        unsent.attempts += 1
        if _is_sent(unsent.send):
            return True
        self._failures.append(time.monotonic())
        return False

    def _start_timer(self) -> None:
        if self._timer is None:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = self._node.create_timer(RETRY_S, self._send_again, clock=steady)

    def _send_again(self) -> None:
        for unsent in self._in_order():
            try:
                if not self._try(unsent):
                    break
            except InvalidHandle:
                # The service was destroyed in the meantime.
                self._unsent.clear()
                break
            del self._unsent[unsent]
        self._give_up()
        if not self._unsent:
            assert self._timer is not None
            self._node.destroy_timer(self._timer)
            self._timer = None

    def _in_order(self) -> list[_Unsent]:
        newest_first = list(reversed(self._unsent))
        if next(self._rounds) % 2:
            # A response that was tried already also has its turn.
            return newest_first
        return sorted(newest_first, key=lambda unsent: unsent.attempts)

    def _give_up(self) -> None:
        overdue = time.monotonic() - GIVE_UP_S
        late = list(itertools.takewhile(lambda unsent: unsent.since < overdue, self._unsent))
        for unsent in late:
            del self._unsent[unsent]
        if late:
            self._node.get_logger().error(
                f'{self._name}: dropped {counted(len(late), "response")}: the client could not be '
                f'reached for {GIVE_UP_S:g} s; if it has not ended, check that it asks for a '
                'volatile, reliable service'
            )


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
