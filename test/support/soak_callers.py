"""Callers that record every answer and every result of thousands of calls."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from call_log import Answer, Result
from hos_interfaces.msg import DeviceAPICallResult, TypedField
from hos_interfaces.srv import DeviceAPICall
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from hos_device_layer import services, topics
from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS


class SoakCaller:
    """A node on a thread of its own; `hold` stops the thread for a while, as a blocked caller."""

    def __init__(self, name: str, namespace: str) -> None:
        self.answers: list[Answer] = []
        self.results: list[Result] = []
        self.refusals: list[str] = []
        self.outstanding = 0
        self.reloads: list[Future] = []
        self._unfinished: set[int] = set()
        self._early: set[int] = set()
        self._news = threading.Condition()
        self._may_run = threading.Event()
        self._may_run.set()
        self._ended = threading.Event()
        self._context = rclpy.Context()
        rclpy.init(
            args=[],
            context=self._context,
            signal_handler_options=rclpy.SignalHandlerOptions.NO,
        )
        self._node = Node(name, namespace=namespace, context=self._context)
        self._executor = EventsExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._node.create_subscription(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, self._on_result, RESULT_QOS
        )
        self._client = self._node.create_client(
            DeviceAPICall, services.DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS
        )
        self._reload = self._node.create_client(Trigger, services.DEVICE_DB_RELOAD_SERVICE)
        self._thread = threading.Thread(target=self._spin, name=name)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._may_run.set()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def hold(self, duration_s: float) -> None:
        """Stop the thread for this time; returns at once."""
        self._may_run.clear()
        threading.Timer(duration_s, self._may_run.set).start()

    def wait_for(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Wait until a condition holds; it is checked whenever something has arrived."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def wait_for_manager(self, timeout_s: float) -> None:
        assert self._client.wait_for_service(timeout_s)

    def call(self, device_id: str, uid: int, text: str) -> None:
        """Call `say` of a device with a text that identifies the call."""
        argument = TypedField(name='text', type='string', data=text)
        request = DeviceAPICall.Request(device_id=device_id, function_name='say', args=[argument])
        called_s = time.time()

        def on_answer(future: Future) -> None:
            self._on_answer(text, uid, called_s, future.result())

        with self._news:
            self.outstanding += 1
        self._client.call_async(request).add_done_callback(on_answer)

    def reload(self) -> None:
        """Ask the manager to read its specification again."""
        self.reloads.append(self._reload.call_async(Trigger.Request()))

    def _on_answer(self, text: str, uid: int, called_s: float, answer: Any) -> None:
        with self._news:
            self.answers.append(Answer(text, uid, called_s, answer.task_id))
            if not answer.is_valid:
                self.refusals.append(answer.error)
                self.outstanding -= 1
            elif answer.task_id in self._early:
                self.outstanding -= 1
            else:
                self._unfinished.add(answer.task_id)
            self._news.notify_all()

    def _on_result(self, message: DeviceAPICallResult) -> None:
        text = json.loads(message.result_jsons).get('text', '')
        result = Result(message.task_id, message.success, text, message.response_time_s)
        with self._news:
            self.results.append(result)
            if message.task_id in self._unfinished:
                self._unfinished.remove(message.task_id)
                self.outstanding -= 1
            else:
                self._early.add(message.task_id)
            self._news.notify_all()

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._may_run.wait()
            self._executor.spin_once(timeout_sec=0.1)
