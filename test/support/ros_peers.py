"""The two sides that a device manager talks to, over real DDS: a caller, and devices."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from hos_interfaces.msg import (
    ConnectionInfo,
    DeviceAPICallResult,
    DeviceCommandResult,
    DeviceStream,
    TypedField,
)
from hos_interfaces.srv import (
    ConnectDevice,
    DeviceAPICall,
    DeviceCommand,
    DeviceConnectionInfos,
    SerializedDeviceCommand,
)
from manager_process import PATIENCE_S
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from rclpy.task import Future
from sample_fleet import SampleDevice
from std_msgs.msg import UInt32

from hos_device_layer import services, topics
from hos_device_layer.qos import EVENT_QOS, RESULT_QOS, SERVICE_QOS

CONNECTION_EVENTS = {
    'connected': topics.DEVICE_CONNECTED,
    'timeout': topics.DEVICE_TIMEOUT,
    'reconnected': topics.DEVICE_RECONNECTED,
    'disconnected': topics.DEVICE_DISCONNECTED,
}

Arguments = list[tuple[str, str, object]]


class Ros:
    """The ROS nodes of the test process, spun by one thread."""

    def __init__(self) -> None:
        # Other tests have the default context begin and end.
        self.context = rclpy.Context()
        # A signal that ends pytest must not end ROS under the tests instead.
        rclpy.init(context=self.context, signal_handler_options=rclpy.SignalHandlerOptions.NO)
        self._executor = EventsExecutor(context=self.context)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def node(self, name: str, namespace: str, spun: bool = True) -> Node:
        node = Node(name, namespace=namespace, context=self.context)
        if spun:
            self._executor.add_node(node)
        return node

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        rclpy.shutdown(context=self.context)

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.1)


def answer_of(future: Future) -> Any:
    """Wait for a future that another thread completes."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    assert done.wait(PATIENCE_S), 'no answer'
    return future.result()


class Caller:
    """An upper layer: calls functions and records every result and event of one manager."""

    def __init__(self, ros: Ros, namespace: str) -> None:
        self.node = ros.node('caller', namespace)
        self._prefix = f'{namespace.strip("/")}/device_manager'.lstrip('/')
        self._news = threading.Condition()
        self._results: dict[int, list[DeviceAPICallResult]] = defaultdict(list)
        self._connection_events: dict[int, list[tuple[str, ConnectionInfo]]] = defaultdict(list)
        self.diagnostics: dict[str, Any] = {}
        self.diagnostics_count = 0
        self._states: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._call_client = self.node.create_client(
            DeviceAPICall, services.DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS
        )
        self._infos_client = self.node.create_client(
            DeviceConnectionInfos, services.DEVICE_CONNECTION_INFOS_SERVICE
        )
        for event, topic in CONNECTION_EVENTS.items():
            self.node.create_subscription(
                ConnectionInfo, topic, self._on_connection_event(event), EVENT_QOS
            )
        self.node.create_subscription(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, self._on_result, RESULT_QOS
        )
        # Made last: a manager that publishes diagnostics to us knows the subscriptions above too.
        self.node.create_subscription(
            DiagnosticArray, 'diagnostics', self._on_diagnostics, EVENT_QOS
        )
        assert self._call_client.wait_for_service(PATIENCE_S)
        assert self._infos_client.wait_for_service(PATIENCE_S)
        self.wait_for(lambda: self.diagnostics)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; it is asked whenever something arrived."""
        with self._news:
            assert self._news.wait_for(condition, PATIENCE_S), self._explain()

    def call_async(self, device_id: str, function_name: str, arguments: Arguments = []) -> Future:  # noqa: B006
        fields = [TypedField(name=n, type=t, data=str(data)) for n, t, data in arguments]
        return self._call_client.call_async(
            DeviceAPICall.Request(device_id=device_id, function_name=function_name, args=fields)
        )

    def call(self, device_id: str, function_name: str, arguments: Arguments = []) -> int:  # noqa: B006
        """Make a call that is accepted and return its task id."""
        return self.accepted(self.call_async(device_id, function_name, arguments))

    def call_when_connected(
        self,
        device_id: str,
        function_name: str,
        arguments: Arguments = [],  # noqa: B006
    ) -> int:
        """Call again until a device that pings now and then is connected; return the task id."""
        while True:
            answer = answer_of(self.call_async(device_id, function_name, arguments))
            if answer.is_valid:
                return int(answer.task_id)
            assert 'is not connected' in answer.error, answer.error

    def accepted(self, future: Future) -> int:
        """Wait until a call is accepted and return its task id."""
        answer = answer_of(future)
        assert answer.is_valid, answer.error
        assert answer.error == ''
        return int(answer.task_id)

    def refusal(self, device_id: str, function_name: str, arguments: Arguments = []) -> str:  # noqa: B006
        """Make a call that is refused and return the reason."""
        answer = answer_of(self.call_async(device_id, function_name, arguments))
        assert not answer.is_valid
        assert answer.task_id == 0
        return str(answer.error)

    def result(self, task_id: int) -> DeviceAPICallResult:
        """Wait for the one result of a task."""
        self.wait_for(lambda: self._results[task_id])
        (result,) = self._results[task_id]
        return result

    def has_result(self, task_id: int) -> bool:
        """Return whether a result of a task came so far."""
        return bool(self._results.get(task_id))

    def results(self, task_ids: list[int]) -> list[DeviceAPICallResult]:
        """Wait for the one result of each task."""
        self.wait_for(lambda: all(self._results[task_id] for task_id in task_ids))
        return [self.result(task_id) for task_id in task_ids]

    def events(self, uid: int) -> list[str]:
        """Return what was published of a device's connection so far, in order."""
        with self._news:
            in_order = sorted(
                self._connection_events[uid], key=lambda event: event[1].event_time_s
            )
        return [name for name, _ in in_order]

    def event_infos(self, uid: int) -> list[ConnectionInfo]:
        with self._news:
            return [info for _, info in self._connection_events[uid]]

    def event_count(self, name: str) -> int:
        """Return how many devices' events of one kind came so far."""
        with self._news:
            return sum(n == name for events in self._connection_events.values() for n, _ in events)

    def wait_for_events(self, uid: int, *names: str) -> None:
        """Wait until exactly these events of a device were published."""
        self.wait_for(lambda: len(self._connection_events[uid]) >= len(names))
        published = self.events(uid)
        assert published == list(names), published

    def connected_devices(self) -> dict[int, ConnectionInfo]:
        answer = answer_of(self._infos_client.call_async(DeviceConnectionInfos.Request()))
        return {info.device_uid: info for info in answer.device_infos}

    def state_of(self, device_id: str) -> str:
        """Return the connection state of a device by the latest diagnostics."""
        return str(self.status(device_id)['state'])

    def status(self, name: str) -> dict[str, str]:
        status = self.diagnostics[f'{self._prefix}: {name}' if name else self._prefix]
        return {value.key: value.value for value in status.values}

    def diagnostic(self, name: str = '') -> Any:
        """Return the latest status of a device, or of the manager."""
        return self.diagnostics[f'{self._prefix}: {name}' if name else self._prefix]

    def states(self, device_id: str) -> list[tuple[int, str]]:
        """Return the levels and messages that diagnostics have shown of a device, in order."""
        return list(self._states[f'{self._prefix}: {device_id}'])

    def wait_for_diagnostics(self) -> None:
        """Wait for diagnostics that the manager published after this was called."""
        # One may be on its way already.
        count = self.diagnostics_count + 2
        self.wait_for(lambda: self.diagnostics_count >= count)

    def _on_result(self, message: DeviceAPICallResult) -> None:
        with self._news:
            self._results[message.task_id].append(message)
            self._news.notify_all()

    def _on_connection_event(self, event: str) -> Callable[[ConnectionInfo], None]:
        def on_event(message: ConnectionInfo) -> None:
            with self._news:
                self._connection_events[message.device_uid].append((event, message))
                self._news.notify_all()

        return on_event

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        with self._news:
            self.diagnostics = {status.name: status for status in message.status}
            self.diagnostics_count += 1
            for status in message.status:
                states = self._states[status.name]
                state = (status.level, status.message)
                if states[-1:] != [state]:
                    states.append(state)
            self._news.notify_all()

    def _explain(self) -> str:
        names = {uid: [name for name, _ in n] for uid, n in self._connection_events.items() if n}
        results = sorted(self._results)[-10:]
        return f'timed out waiting; connection events: {names}; results of tasks: {results}'


class DeviceSide:
    """What the devices of one manager share: their pings, results and handshakes."""

    def __init__(self, ros: Ros, namespace: str) -> None:
        self.ros = ros
        self.namespace = namespace
        self.node = ros.node('devices', namespace)
        matched = [threading.Event(), threading.Event()]
        self.pings = self.node.create_publisher(
            UInt32, topics.DEVICE_PING_TOPIC, 1000, event_callbacks=_on_match(matched[0])
        )
        self.results = self.node.create_publisher(
            DeviceCommandResult,
            topics.DEVICE_CMD_RESULT_TOPIC,
            RESULT_QOS,
            event_callbacks=_on_match(matched[1]),
        )
        self._connect_client = self.node.create_client(
            ConnectDevice, services.CONNECT_DEVICE_SERVICE, qos_profile=SERVICE_QOS
        )
        assert self._connect_client.wait_for_service(PATIENCE_S)
        assert all(event.wait(PATIENCE_S) for event in matched)

    def connect(self, uid: int) -> Any:
        return answer_of(self.connect_async(uid))

    def connect_async(self, uid: int) -> Future:
        return self._connect_client.call_async(ConnectDevice.Request(uid=uid))

    def ping(self, uid: int) -> None:
        self.pings.publish(UInt32(data=uid))

    @contextlib.contextmanager
    def pinging(self, uid: int, period_s: float = 0.05) -> Iterator[None]:
        """Ping for a device while the block runs."""
        timer = self.node.create_timer(period_s, lambda: self.ping(uid))
        yield
        timer.cancel()

    def report(
        self, uid: int, cmd_id: int, values: str = '', success: bool = True, error: str = ''
    ) -> None:
        self.results.publish(
            DeviceCommandResult(
                uid=uid, cmd_id=cmd_id, success=success, error=error, result_str=values
            )
        )


OnCommand = Callable[['Device', Any], None]


class Device:
    """
    A device that serves its command service and does with each command what its test says.

    `on_command` runs inside the handler, before the device accepts; `refusal` makes it refuse.
    Commands are kept in `commands`, in the order in which they came.
    """

    def __init__(
        self, side: DeviceSide, row: SampleDevice, on_command: OnCommand | None = None
    ) -> None:
        self.device_id, self.uid, _ = row
        self.row = row
        self.side = side
        self.on_command = on_command
        self.refusal: str | None = None
        self.commands: queue.Queue[Any] = queue.Queue()
        self._pinging: Any = None
        self._service = side.node.create_service(
            *command_service(row), self._on_command, qos_profile=SERVICE_QOS
        )

    def connect(self) -> Device:
        answer = self.side.connect(self.uid)
        assert answer.success, answer.error
        return self

    def keep_pinging(self, period_s: float) -> None:
        self._pinging = self.side.node.create_timer(period_s, self.ping)

    def fall_silent(self) -> None:
        self._pinging.cancel()

    def ping(self) -> None:
        self.side.ping(self.uid)

    def report(self, cmd_id: int, values: str = '', success: bool = True, error: str = '') -> None:
        self.side.report(self.uid, cmd_id, values, success, error)

    def leave(self) -> None:
        """Take the device's service away, as if it were switched off."""
        self.side.node.destroy_service(self._service)

    def is_seen(self, node: Node) -> bool:
        """Return whether a node sees the device's service."""
        name = command_service(self.row)[1]
        return bool(node.count_services(node.resolve_service_name(name)))

    def command(self) -> Any:
        """Wait for the next command."""
        return self.commands.get(timeout=PATIENCE_S)

    def _on_command(self, request: Any, response: Any) -> Any:
        if self.on_command is not None:
            self.on_command(self, request)
        self.commands.put(request)
        response.is_valid = self.refusal is None
        response.error = self.refusal or ''
        return response


def command_service(row: SampleDevice) -> tuple[Any, str]:
    if row.is_serialized:
        return SerializedDeviceCommand, services.SERIALIZED_DEVICE_COMMAND_SERVICE(row.uid)
    return DeviceCommand, services.DEVICE_COMMAND_SERVICE(row.uid)


def mute_device(side: DeviceSide, row: SampleDevice) -> Node:
    """Return a node that has a device's service and never answers, since nobody spins it."""
    node = side.ros.node(f'mute{row.uid}', side.namespace, spun=False)
    node.create_service(*command_service(row), lambda _, response: response)
    return node


def finish_at_once(device: Device, request: Any) -> None:
    """Report a result without values before the command is accepted."""
    device.report(request.cmd_id)


class StreamPublisher:
    """A device's publisher of one stream; made when the manager's subscription has matched it."""

    def __init__(self, device: Device, stream: str) -> None:
        matched = threading.Event()
        self._uid = device.uid
        self._publisher = device.side.node.create_publisher(
            DeviceStream,
            topics.DEVICE_STREAM_TOPIC(device.uid, stream),
            10,
            event_callbacks=_on_match(matched),
        )
        assert matched.wait(PATIENCE_S)

    def publish(self, data: str) -> None:
        self._publisher.publish(DeviceStream(uid=self._uid, data=data))


def _on_match(event: threading.Event) -> PublisherEventCallbacks:
    return PublisherEventCallbacks(
        matched=lambda info: event.set() if info.current_count else event.clear()
    )


def numbered(prefix: str) -> Iterator[str]:
    """Yield names that no other node, folder or namespace of this session has."""
    number = 0
    while True:
        number += 1
        yield f'{prefix}{number}'
