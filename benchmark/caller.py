"""The calling node of the measurements: it calls device functions and times their results."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import rclpy
from hos_interfaces.msg import DeviceAPICallResult, DeviceStream, TypedField
from hos_interfaces.srv import DeviceAPICall, DeviceConnectionInfos
from rclpy.experimental import EventsExecutor
from rclpy.node import Node

from hos_device_layer import services, topics
from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS

from .fleet_spec import FUNCTION

# A condition that does not hold after this time is an error [s].
_TIMEOUT_S = 60

# A call without a result after this time is counted as unanswered [s].
_ANSWER_TIMEOUT_S = 5.0

# A paced call without a result after this time is lost [s]. Its task ends sooner.
_LOST_AFTER_S = 30.0

# A measurement with more unanswered calls is an error.
_MOST_UNANSWERED = 20

# The time for discovery, and the silence after which a stream counts as ended [s].
_DISCOVERY_S = 2.0
_STREAM_END_S = 5.0


class CallLatencies(NamedTuple):
    """Percentiles of the time from call to result [s]."""

    p50_s: float
    p99_s: float


class PacedTimes(NamedTuple):
    """How many calls were made, how many had no success, and percentiles of their times [ms]."""

    calls: int
    lost: int
    p50_ms: float
    p99_ms: float


class BenchmarkCaller:
    """
    A node that calls functions; the calling thread spins it during a measurement.

    `unsuccessful` counts the calls that failed or remained unanswered.
    """

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context)
        self._node = Node('caller', context=self._context)
        self._executor = EventsExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._client = self._node.create_client(
            DeviceAPICall, services.DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS
        )
        self._infos = self._node.create_client(
            DeviceConnectionInfos, services.DEVICE_CONNECTION_INFOS_SERVICE
        )
        self._node.create_subscription(
            DeviceAPICallResult,
            topics.DEVICE_API_CALL_RESULT_TOPIC,
            self._on_result,
            RESULT_QOS,
        )
        self._samples = 0
        self._last_sample = 0.0
        self._ended = 0
        self._last_end = 0.0
        self.unsuccessful = 0
        self._on_end: Callable[[], None] = _nothing
        self._on_message: Callable[[Any], None] = _ignore

    def close(self) -> None:
        """Destroy the node."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def wait_for_service(self) -> None:
        """Wait until the API call service is available."""
        self._spin_until(self._client.service_is_ready)

    def wait_for_devices(self, count: int) -> None:
        """Wait until this number of devices is connected."""

        def all_connected() -> bool:
            future = self._infos.call_async(DeviceConnectionInfos.Request())
            self._spin_until(future.done)
            return len(future.result().device_infos) >= count

        self._spin_until(self._infos.service_is_ready)
        self._spin_until(all_connected)

    def rate(self, device_ids: Sequence[str], outstanding: int, duration_s: float) -> float:
        """Return the rate of completed calls [1/s] with `outstanding` concurrent calls."""
        targets = itertools.cycle(device_ids)
        self._on_end = lambda: self._call(next(targets))
        self._ended = 0
        start = self._last_end = time.monotonic()
        for _ in range(outstanding):
            self._call(next(targets))
        self._spin_until(lambda: time.monotonic() - start >= duration_s)
        rate = self._ended / (time.monotonic() - start)
        self._drain(self._ended + outstanding)
        return rate

    def latencies(self, device_ids: Sequence[str], count: int) -> CallLatencies:
        """Return the latencies of `count` calls, made one after the other."""
        times = []
        for target in itertools.islice(itertools.cycle(device_ids), count):
            self._ended = 0
            start = time.perf_counter()
            self._call(target)
            if not self._drain(1):
                times.append(time.perf_counter() - start)
        cuts = statistics.quantiles(times, n=100)
        return CallLatencies(cuts[49], cuts[98])

    def paced(self, device_id: str, rate: float, duration_s: float) -> PacedTimes:
        """Call a function `rate` times a second, whatever becomes of the calls before."""
        started: dict[int, float] = {}
        ended: dict[int, float] = {}
        refused: list[str] = []

        def on_answer(called: float, answer: Any) -> None:
            response = answer.result()
            if response.is_valid:
                started[response.task_id] = called
            else:
                refused.append(response.error)

        def on_result(message: Any) -> None:
            if message.success:
                # It may arrive before the answer to its call.
                ended[message.task_id] = time.perf_counter()

        self._on_message = on_result
        count = round(rate * duration_s)
        begin = time.perf_counter()
        for n in range(count):
            due = begin + n / rate
            while (left := due - time.perf_counter()) > 0:
                self._executor.spin_once(timeout_sec=left)
            # The time counts from when the call is due: a late caller hides nothing.
            self._call(device_id).add_done_callback(partial(on_answer, due))
        last = time.monotonic() + _LOST_AFTER_S
        self._spin_until(
            lambda: (
                (len(started) + len(refused) == count and started.keys() <= ended.keys())
                or time.monotonic() > last
            )
        )
        self._on_message = _ignore
        times = [ended[task] - start for task, start in started.items() if task in ended]
        cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [math.inf] * 99
        return PacedTimes(count, count - len(times), cuts[49] * 1000, cuts[98] * 1000)

    def subscribe(self, stream_topics: Sequence[str]) -> None:
        """Subscribe to streams with reliable QoS and wait for discovery."""
        subscriptions = [
            self._node.create_subscription(DeviceStream, topic, self._on_sample, RESULT_QOS)
            for topic in stream_topics
        ]
        self._spin_until(lambda: all(s.get_publisher_count() for s in subscriptions))
        # The publishers discover the subscriptions later, which cannot be seen from here.
        settled = time.monotonic() + _DISCOVERY_S
        self._spin_until(lambda: time.monotonic() > settled)

    def count_samples(self, expected: int) -> int:
        """Return the number of received samples when all have arrived or the stream has ended."""
        self._samples = 0
        self._last_sample = time.monotonic()
        self._spin_until(
            lambda: (
                self._samples >= expected or time.monotonic() - self._last_sample > _STREAM_END_S
            )
        )
        return self._samples

    def _on_sample(self, _message: Any) -> None:
        self._samples += 1
        self._last_sample = time.monotonic()

    def _drain(self, expected: int) -> int:
        """Wait for the last results; returns and counts how many are missing."""
        self._on_end = _nothing
        self._last_end = time.monotonic()
        self._spin_until(
            lambda: (
                self._ended >= expected or time.monotonic() - self._last_end > _ANSWER_TIMEOUT_S
            )
        )
        missing = max(0, expected - self._ended)
        self.unsuccessful += missing
        if self.unsuccessful > _MOST_UNANSWERED:
            raise RuntimeError(f'{self.unsuccessful} calls failed or remained unanswered')
        return missing

    @staticmethod
    def arguments() -> list[Any]:
        """Return the arguments of each call."""
        return [TypedField(name=name, type='float32', data='1.5') for name in 'xyz']

    def _call(self, target: str) -> Any:
        request = DeviceAPICall.Request(
            device_id=target, function_name=FUNCTION, args=self.arguments()
        )
        return self._client.call_async(request)

    def _on_result(self, message: Any) -> None:
        self._ended += 1
        self._last_end = time.monotonic()
        self.unsuccessful += not message.success
        self._on_message(message)
        self._on_end()

    def _spin_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f'the measured system did not answer within {_TIMEOUT_S} s')
            self._executor.spin_once(timeout_sec=0.01)


def _nothing() -> None:
    pass


def _ignore(_message: Any) -> None:
    pass
