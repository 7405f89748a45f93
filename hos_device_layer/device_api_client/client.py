"""Sends the calls of a node and receives their results."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from functools import partial

from hos_interfaces.msg import DeviceAPICallResult
from hos_interfaces.srv import DeviceAPICall
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.task import Future
from rclpy.timer import Timer

from ..core.pending_calls import ManagerIds, PendingCalls
from ..guarding import logging_exceptions
from ..qos import RESULT_QOS, SERVICE_QOS
from ..services import DESCRIBE_DEVICES_SERVICE, DEVICE_API_CALL_SERVICE
from ..topics import DEVICE_API_CALL_RESULT_TOPIC, DEVICE_MANAGER_STATUS_TOPIC
from . import limits
from .calls import PendingCall, failure
from .futures import CallFuture
from .lost_results import LostResults
from .manager_watch import ManagerWatch
from .spec_digests import SpecDigests
from .waiting import Spinner

# Period of the timer that runs while calls are held or unanswered [s].
_TICK_S = 0.05

# The manager is probed again after this many ticks.
_TICKS_PER_PROBE = 10

# Interval at which the manager's presence is checked while calls wait for results [s].
_WATCH_S = 1.0

# The manager is asked what still runs after this many checks, see `LostResults`.
_CHECKS_PER_QUESTION = 5


class DeviceAPIClient:
    """
    Sends API calls and matches their results; may be used from several threads.

    Calls are held until it is certain that their results will be received, see `_probe`. Every
    call ends: with its result, its refusal, or an error that says why the manager was lost.
    """

    def __init__(self, node: Node, prefix: str) -> None:
        # The node owns this object through its subscription, so nothing here may own the node.
        self._node = weakref.ref(node)
        self._prefix = prefix
        self._log = node.get_logger()
        self._lock = threading.RLock()
        self._calls: PendingCalls[PendingCall, DeviceAPICallResult] = PendingCalls(
            round(limits.MANAGER_TIMEOUT_S / _TICK_S), round(limits.ANSWER_TIMEOUT_S / _TICK_S)
        )
        self._managers: ManagerIds = frozenset()
        self._seen: list[bytes] = []  # the managers, the oldest first
        self._is_ready = False
        self._is_destroyed = False
        self._probes: list[Future] = []
        self._ticks_to_probe = 0
        self._checks = 0
        self._spinner = Spinner()
        self._digests = SpecDigests(self._log)
        self._lost_results: LostResults | None = None
        self._create_entities(node)
        node.context.on_shutdown(self._on_shutdown)

    def _create_entities(self, node: Node) -> None:
        # Results must still be received while a callback of the default group awaits one.
        self._group = MutuallyExclusiveCallbackGroup()
        # The subscription must be created before the client: see `_probe`.
        self._subscription = node.create_subscription(
            DeviceAPICallResult,
            self._prefix + DEVICE_API_CALL_RESULT_TOPIC,
            self._on_result,
            RESULT_QOS,
            callback_group=self._group,
        )
        self.ros_client = node.create_client(
            DeviceAPICall,
            self._prefix + DEVICE_API_CALL_SERVICE,
            qos_profile=SERVICE_QOS,
            callback_group=self._group,
        )
        # A node destroys its clients when it is destroyed, and tells nobody.
        destroy = self.ros_client.destroy
        setattr(self.ros_client, 'destroy', partial(self._on_destroy, destroy))  # noqa: B010
        self._watch = ManagerWatch(
            node,
            self._prefix + DEVICE_MANAGER_STATUS_TOPIC,
            self._group,
            self._on_status,
        )
        self._tick_timer = self._create_timer(node, _TICK_S, self._on_tick, self._group)
        self._watch_timer = self._create_timer(node, _WATCH_S, self._on_watch, self._group)

    def _create_timer(
        self, node: Node, period_s: float, callback: Callable[[], None], group: CallbackGroup
    ) -> Timer:
        # Both timers run only while there are pending calls.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        return node.create_timer(period_s, callback, group, steady, autostart=False)

    def start(self, call: PendingCall, spec_digest: str = '') -> None:
        """
        Send a call, or hold it until the manager is reached; raises if the node is gone.

        Logs a warning if the digest, of the specification that the caller was generated from, is
        not that of the manager.
        """
        with self._lock, self.ros_client.handle:
            if self._is_destroyed:
                raise InvalidHandle('the node of the call was destroyed')
            self._digests.expect(spec_digest, self._watch.status)
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

    def wait(self, future: CallFuture, timeout_s: float | None) -> bool:
        """
        Block this thread until a future of a call is done; returns False after `timeout_s`.

        Raises CallPendingError if no other thread spins the node, or the one that did stopped.
        """
        return self._spinner.wait(future, timeout_s, self._executor)

    def _executor(self) -> Executor | None:
        node = self._node()
        executor = None if node is None else node.executor
        # A node keeps its executor when it is removed from it.
        return executor if executor is not None and node in executor.get_nodes() else None

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
        found = {bytes(info.endpoint_gid) for info in publishers}
        self._seen = [gid for gid in self._seen if gid in found]
        self._seen += sorted(found.difference(self._seen))
        # DDS lists a manager that was killed for 20 s more.
        managers = frozenset(found.difference(self._watch.ended(self._seen)))
        if managers == self._managers:
            return
        self._managers = managers
        self._is_ready = False
        self._drop_probes()
        for call, task_id in self._calls.take_lost(managers).items():
            self._give_up(
                call,
                'the device manager ended or is out of reach, and reported no result; the device '
                'may have executed the call',
                task_id,
            )

    # Callbacks

    @contextlib.contextmanager
    def _handling(self) -> Iterator[None]:
        # After a node is destroyed, executors still deliver what was queued for it.
        with contextlib.suppress(InvalidHandle), self._lock:
            self._spinner.record()
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
                self._set(call.result, failure(call, response.error))
            elif result := self._calls.accept(call, response.task_id):
                self._set(call.result, result)
            else:
                call.started = time.monotonic()

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
            self._give_up_overdue()
            self._checks += 1
            if self._checks % _CHECKS_PER_QUESTION == 0:
                self._ask_what_runs()
            if not self._calls:
                self._watch_timer.cancel()

    def _on_status(self) -> None:
        with self._handling():
            self._digests.compare(self._watch.status)
            self._refresh_managers()
            if self._calls.holds_calls:
                self._ticks_to_probe = 0
                self._probe()

    # Ends

    def _on_destroy(self, destroy: Callable[[], None]) -> None:
        with self._lock:
            # A call that starts between here and `destroy` would never end.
            self._is_destroyed = True
        self._give_up_all('the node of the call was destroyed')
        self._watch.close()
        destroy()

    def _on_shutdown(self) -> None:
        # On a thread of its own: rclpy holds a lock meanwhile, which callbacks may need.
        if self._calls:
            threading.Thread(target=self._give_up_all, args=('rclpy was shut down',)).start()

    def _give_up_all(self, reason: str) -> None:
        with self._lock:
            calls = self._calls.take_all()
        for call, task_id in calls.items():
            sent = 'the device may execute the call' if call.answer else 'it was not sent'
            self._give_up(call, f'{reason} before its result arrived; {sent}', task_id)

    def _ask_what_runs(self) -> None:
        node = self._node()
        running = {
            task_id: call.request.device_id for task_id, call in self._calls.running.items()
        }
        if self._lost_results is None and node is not None and running:
            service = self._prefix + DESCRIBE_DEVICES_SERVICE
            self._lost_results = LostResults(node, service, self._group, self._on_lost_result)
        if self._lost_results is not None:
            self._lost_results.ask(running)

    def _on_lost_result(self, task_id: int) -> None:
        self._lose(
            task_id,
            'the result was lost: the device manager has ended the task, but its result did not '
            'arrive, for example because the node was not spun while thousands of results were '
            'published; the device may have executed the call',
        )

    def _give_up_overdue(self) -> None:
        overdue = time.monotonic() - limits.RESULT_TIMEOUT_S
        for task_id, call in self._calls.running.items():
            if call.started > overdue:
                break
            days = limits.RESULT_TIMEOUT_S / 86_400
            self._lose(task_id, f'no result within {days:g} days; the device may still execute it')

    def _lose(self, task_id: int, error: str) -> None:
        with self._handling():
            call = self._calls.end(task_id)
            if call is not None:
                self._give_up(call, error, task_id)

    def _give_up_late(self) -> None:
        held, unanswered = self._calls.advance()
        for call in held:
            self._give_up(
                call,
                f'no device manager found: no answer from {self.ros_client.service_name} within '
                f'{limits.MANAGER_TIMEOUT_S:g} s; start it, or check the namespace and '
                'ROS_DOMAIN_ID',
            )
        for call in unanswered:
            self._give_up(
                call,
                f'the device manager did not answer within {limits.ANSWER_TIMEOUT_S:g} s; the '
                'device may still execute the call',
            )

    def _give_up(self, call: PendingCall, error: str, task_id: int = 0) -> None:
        if call.answer is not None:
            self.ros_client.remove_pending_request(call.answer)
        if not call.future.done():
            self._set(call.future, DeviceAPICall.Response(is_valid=False, error=error))
        self._set(call.result, failure(call, error, task_id))

    def _set(self, future: Future, value: object) -> None:
        # As with the answer of a service, callbacks become tasks of the executor that spins the
        # node.
        node = self._node()
        if node is not None:
            future._set_executor(node.executor)
        try:
            future.set_result(value)
        except Exception:
            # The future is done, but its executor was shut down and runs no callbacks any more.
            self._log.debug(f'callbacks of a call are not run: {traceback.format_exc()}')
