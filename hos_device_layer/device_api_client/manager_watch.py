"""What a caller knows of the device manager: its latest status, and whether it has ended."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hos_interfaces.msg import DeviceManagerStatus
from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import QoSSubscriptionEventType
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from ..qos import NO_SUBSCRIPTION_EVENTS, STATUS_READER_QOS

# The states of a process that has ended but was not waited for; see proc_pid_stat(5).
_ENDED_STATES = 'ZXx'


class ManagerWatch:
    """
    Follows the status topic of a namespace; `on_status` is called for the status of its manager.

    A manager that was killed sends no message, but DDS reports it after the lease of the topic.
    A process on this computer that was only stopped, and may continue, has not ended.
    """

    def __init__(
        self, node: Node, topic: str, group: CallbackGroup, on_status: Callable[[], None]
    ) -> None:
        self.status: Any = None  # of the manager that serves
        self._on_new_status = on_status
        subscription = node.create_subscription(
            DeviceManagerStatus,
            topic,
            self._on_status,
            STATUS_READER_QOS,
            callback_group=group,
            event_callbacks=NO_SUBSCRIPTION_EVENTS,
        )
        # Read when it is needed: a callback could end the process with a segmentation fault when
        # the node is destroyed, see NO_SUBSCRIPTION_EVENTS.
        with subscription.handle:
            self._liveliness = rclpy_implementation.EventHandle(
                subscription.handle,
                QoSSubscriptionEventType.RCL_SUBSCRIPTION_LIVELINESS_CHANGED,
            )

    def ended(self, managers: Sequence[bytes]) -> Sequence[bytes]:
        """Return which of the managers, the oldest first, have ended without a message."""
        heard, silent = self.liveliness()
        if not silent:
            return ()
        if heard:
            # Only one manager serves a namespace: the latest.
            return managers[:-1]
        return () if self.status is not None and _is_running(self.status) else managers

    def liveliness(self) -> tuple[int, int]:
        """Return how many managers were heard within the lease, and how many were not."""
        with self._liveliness:
            event = self._liveliness.take_event()
        return (0, 0) if event is None else (event.alive_count, event.not_alive_count)

    def close(self) -> None:
        """Free what the node does not know of; the rest is destroyed with the node."""
        self._liveliness.destroy_when_not_in_use()

    def _on_status(self, status: Any) -> None:
        if status.is_serving:
            self.status = status
            self._on_new_status()


def _is_running(status: Any) -> bool:
    """Return whether the process of a manager is known to exist; it may be stopped."""
    if status.host != socket.gethostname():
        return False
    try:
        stat = Path(f'/proc/{status.pid}/stat').read_text(encoding='utf-8', errors='replace')
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] not in _ENDED_STATES
