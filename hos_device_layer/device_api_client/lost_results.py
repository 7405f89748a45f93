"""Finds calls whose result was lost on its way, by asking the device manager what still runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hos_interfaces.srv import DescribeDevices
from rclpy.callback_groups import CallbackGroup
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from ..guarding import logging_exceptions
from ..qos import SERVICE_QOS

# The device of each call that runs, by task id.
RunningCalls = Mapping[int, str]


class LostResults:
    """
    Asks for the running tasks of the devices of running calls.

    The result of a task is published before the manager says that the task has ended, but may
    arrive after that. So a result is lost if it has still not arrived when it is asked again.
    """

    def __init__(
        self, node: Node, service: str, group: CallbackGroup, on_lost: Callable[[int], None]
    ) -> None:
        self._log = node.get_logger()
        self._client: Client = node.create_client(
            DescribeDevices, service, qos_profile=SERVICE_QOS, callback_group=group
        )
        self._on_lost = on_lost
        self._question: Future | None = None
        self._ended: frozenset[int] = frozenset()

    def ask(self, running: RunningCalls) -> None:
        """Ask about the running calls; an earlier question without an answer is dropped."""
        if self._question is not None:
            self._client.remove_pending_request(self._question)
            self._question = None
        self._ended &= running.keys()
        if running and self._client.service_is_ready():
            request = DescribeDevices.Request(device_ids=sorted(set(running.values())))
            self._question = self._client.call_async(request)
            self._question.add_done_callback(
                logging_exceptions(self._log, partial(self._on_answer, running))
            )

    def _on_answer(self, running: RunningCalls, answer: Future) -> None:
        self._question = None
        ended = ended_tasks(running, answer.result())
        for task_id in ended & self._ended:
            self._on_lost(task_id)
        self._ended = ended


def ended_tasks(running: RunningCalls, answer: Any) -> frozenset[int]:
    """Return the calls whose devices have no running task, as far as the answer tells."""
    idle = {device.device_id for device in answer.devices if not device.tasks}
    return frozenset(task_id for task_id, device_id in running.items() if device_id in idle)
