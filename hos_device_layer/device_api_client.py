"""The client and the subscription that all API calls of a node share."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from hos_interfaces.msg import DeviceAPICallResult, TypedField
from hos_interfaces.srv import DeviceAPICall
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.task import Future
from rclpy.timer import Timer

from .call_futures import CallFuture
from .core.pending_calls import ManagerIds, PendingCalls
from .guarding import ErrorLog, logging_exceptions
from .qos import RESULT_QOS, SERVICE_QOS
from .services import DEVICE_API_CALL_SERVICE
from .topics import DEVICE_API_CALL_RESULT_TOPIC

# How long a call is held while no device manager can be reached [s]. Discovery takes 2 to 3 s if
# the first announcements are lost, because Fast DDS then repeats them every 3 s.
MANAGER_TIMEOUT_S = 10.0

# How long the manager may take to answer a call [s]. It answers immediately, except in bursts.
ANSWER_TIMEOUT_S = 30.0

# Period of the timer that runs while calls are held or unanswered [s].
_TICK_S = 0.05

# The manager is probed again after this many ticks.
_TICKS_PER_PROBE = 10

# Interval at which the manager's presence is checked while calls wait for results [s].
_WATCH_S = 1.0


class PendingCall:
    """A call that has no result yet: its request, and the futures to complete."""

    def __init__(
        self,
        device_id: str,
        function_name: str,
        fields: Sequence[TypedField],
        call_time: float,
        log: ErrorLog,
    ) -> None:
        self.request = DeviceAPICall.Request(
            device_id=device_id, function_name=function_name, args=list(fields)
        )
        self.call_time = call_time
        self.future = CallFuture(log)
        self.result = CallFuture(log)
        self.answer: Future | None = None


def client_of(node: Node) -> DeviceAPIClient:
    """Return the client of a node; it is created once and destroyed with the node."""
    with _clients_lock:
        client = _clients.get(node)
        if client is None:
            client = _clients[node] = DeviceAPIClient(node)
        return client


_clients: weakref.WeakKeyDictionary[Node, DeviceAPIClient] = weakref.WeakKeyDictionary()
_clients_lock = threading.Lock()


class DeviceAPIClient:
    """
    Sends API calls and matches their results; may be used from several threads.

    Calls are held until it is certain that their results will be received, see `_probe`. Every
    call ends: with its result, its refusal, or an error that says why the manager was lost.
    """

    def __init__(self, node: Node) -> None:
        # The node owns this object through its subscription, so nothing here may own the node.
        self._node = weakref.ref(node)
        self._log = node.get_logger()
        self._lock = threading.RLock()
        self._calls: PendingCalls[PendingCall, DeviceAPICallResult] = PendingCalls(
            round(MANAGER_TIMEOUT_S / _TICK_S), round(ANSWER_TIMEOUT_S / _TICK_S)
        )
        self._managers: ManagerIds = frozenset()
        self._is_ready = False
        self._probes: list[Future] = []
        self._ticks_to_probe = 0
        # Results must still be received while a callback of the default group awaits one.
        group = MutuallyExclusiveCallbackGroup()
        # The subscription must be created before the client: see `_probe`.
        self._subscription = node.create_subscription(
            DeviceAPICallResult,
            DEVICE_API_CALL_RESULT_TOPIC,
            self._on_result,
            RESULT_QOS,
            callback_group=group,
        )
        self.ros_client = node.create_client(
            DeviceAPICall, DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS, callback_group=group
        )
        self._tick_timer = self._create_timer(node, _TICK_S, self._on_tick, group)
        self._watch_timer = self._create_timer(node, _WATCH_S, self._on_watch, group)

    def _create_timer(
        self, node: Node, period_s: float, callback: Callable[[], None], group: CallbackGroup
    ) -> Timer:
        # Both timers run only while there are pending calls.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        return node.create_timer(period_s, callback, group, steady, autostart=False)

    def start(self, call: PendingCall) -> None:
        """Send a call, or hold it until the manager is reached; raises if the node is gone."""
        with self._lock, self.ros_client.handle:
            if self._watch_timer.is_canceled():
                self._refresh_managers()
                self._watch_timer.reset()
            if self._tick_timer.is_canceled():
                self._tick_timer.reset()
            if self._is_ready:
                self._send(call)
            else:
                self._calls.hold(call)
                self._probe()

    # Sending

    def _send(self, call: PendingCall) -> None:
        self._calls.send(call, self._managers)
        try:
            call.answer = self.ros_client.call_async(call.request)
        except InvalidHandle:
            raise
        except Exception as error:
            # The calls after it must still be sent.
            self._calls.refuse(call)
            self._give_up(call, f'the call could not be sent: {error!r}')
        else:
            self._when_done(call.answer, partial(self._on_answer, call))

    def _when_done(self, future: Future, callback: Callable[[Future], None]) -> None:
        future.add_done_callback(logging_exceptions(self._log, callback))

    def _probe(self) -> None:
        """
        Send a call without a device, which the manager refuses.

        A result that is published before its publisher has discovered our subscription is lost.
        The manager discovers our subscription before our client, in the order of their creation:
        once an answer arrives, results will arrive too.
        """
        if self._ticks_to_probe > 0 or not self.ros_client.service_is_ready():
            return
        self._refresh_managers()
        if self._managers:
            self._ticks_to_probe = _TICKS_PER_PROBE
            probe = self.ros_client.call_async(DeviceAPICall.Request())
            self._probes.append(probe)
            self._when_done(probe, partial(self._on_probe_answered, self._managers))

    def _drop_probes(self) -> None:
        for probe in self._probes:
            self.ros_client.remove_pending_request(probe)
        self._probes.clear()
        self._ticks_to_probe = 0

    def _refresh_managers(self) -> None:
        node = self._node()
        if node is None:
            return
        publishers = node.get_publishers_info_by_topic(self._subscription.topic_name)
        managers = frozenset(bytes(info.endpoint_gid) for info in publishers)
        if managers == self._managers:
            return
        self._managers = managers
        self._is_ready = False
        self._drop_probes()
        for call, task_id in self._calls.take_lost(managers).items():
            self._give_up(
                call,
                'the device manager ended before it reported the result; the device may have '
                'executed the call',
                task_id,
            )

    # Callbacks

    @contextlib.contextmanager
    def _handling(self) -> Iterator[None]:
        # After a node is destroyed, executors still deliver what was queued for it.
        with contextlib.suppress(InvalidHandle), self._lock:
            yield

    def _on_probe_answered(self, managers: ManagerIds, _answer: Future) -> None:
        with self._handling():
            if self._is_ready or managers != self._managers:
                return
            self._is_ready = True
            self._drop_probes()
            for call in self._calls.take_held():
                self._send(call)

    def _on_answer(self, call: PendingCall, answer: Future) -> None:
        response = answer.result()
        with self._handling():
            if not self._calls.is_unanswered(call):
                return
            self._set(call.future, response)
            if not response.is_valid:
                self._calls.refuse(call)
                self._set(call.result, _failure(call, response.error))
            elif result := self._calls.accept(call, response.task_id):
                self._set(call.result, result)

    def _on_result(self, message: DeviceAPICallResult) -> None:
        with self._handling():
            call = self._calls.finish(message.task_id, message)
            if call is not None:
                self._set(call.result, message)

    def _on_tick(self) -> None:
        with self._handling():
            self._ticks_to_probe -= 1
            self._give_up_late()
            if self._calls.holds_calls:
                self._probe()
            else:
                self._drop_probes()
            if not self._calls.awaits_answers:
                self._tick_timer.cancel()

    def _on_watch(self) -> None:
        with self._handling():
            self._refresh_managers()
            if not self._calls:
                self._watch_timer.cancel()

    # Ends

    def _give_up_late(self) -> None:
        held, unanswered = self._calls.advance()
        for call in held:
            self._give_up(
                call,
                f'no device manager found: no answer from {self.ros_client.service_name} within '
                f'{MANAGER_TIMEOUT_S:g} s; start it, or check the namespace and ROS_DOMAIN_ID',
            )
        for call in unanswered:
            self._give_up(
                call,
                f'the device manager did not answer within {ANSWER_TIMEOUT_S:g} s; the device may '
                'still execute the call',
            )

    def _give_up(self, call: PendingCall, error: str, task_id: int = 0) -> None:
        if call.answer is not None:
            self.ros_client.remove_pending_request(call.answer)
        if not call.future.done():
            self._set(call.future, DeviceAPICall.Response(is_valid=False, error=error))
        self._set(call.result, _failure(call, error, task_id))

    def _set(self, future: Future, value: object) -> None:
        # As with the answer of a service, callbacks become tasks of the executor that spins the
        # node.
        node = self._node()
        if node is not None:
            future._set_executor(node.executor)
        future.set_result(value)


def _failure(call: PendingCall, error: str, task_id: int = 0) -> DeviceAPICallResult:
    return DeviceAPICallResult(
        task_id=task_id,
        success=False,
        error=error,
        result_jsons='{}',
        request_time_s=call.call_time,
        response_time_s=time.time(),
    )
