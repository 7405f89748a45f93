"""
The decisions of the device manager: who is connected, which calls run, how each of them ends.

It does nothing itself: it answers with effects, which its shell carries out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ..errors import (
    BusyError,
    DeviceNotConnectedError,
    UnknownDeviceIdError,
    UnknownUidError,
    ValueMismatchError,
)
from ..spec.records import FleetDevice, Spec, Stream
from ..spec.tables import fleet_table
from ..text import shortened
from ..timestamp import Timestamp
from .calls import Argument, check_call
from .commands import Command
from .connections import (
    ConnectionEvent,
    Connections,
    ConnectionState,
    ConnectionTrigger,
    DeviceConnection,
)
from .effects import Effect, LogDropped, PublishConnectionEvent, PublishResult
from .results import parse_values, to_json
from .tasks import RunningTask, RunningTasks

# How many ended tasks are remembered, to tell what comes late from what was never asked for.
_REMEMBERED_TASKS = 1000

_NO_VALUES = '{}'

# How a task ended of which the device reported the end.
_REPORTED = 'the device had reported its end'


class DispatcherLimits(msgspec.Struct, frozen=True):
    """What the dispatcher waits for and how much it takes; times in [s]."""

    device_timeout_s: float = 20.0
    disconnect_after_s: float = 15.0
    command_accept_timeout_s: float = 5.0
    command_result_timeout_s: float = 60.0
    max_running_tasks: int = 4000
    max_waiting_devices: int = 1_000


class Dispatcher:
    """Connections and tasks of one fleet; `task_ids` yields ids that were never used before."""

    def __init__(
        self,
        spec: Spec,
        fleet: str,
        limits: DispatcherLimits,
        task_ids: Iterator[int],
        now: Timestamp,
    ) -> None:
        self.spec = spec
        self.fleet = fleet
        self.limits = limits
        self.connections = Connections(limits.device_timeout_s, limits.disconnect_after_s)
        self.tasks = RunningTasks(limits.command_accept_timeout_s, limits.command_result_timeout_s)
        self._task_ids = task_ids
        self._ended: OrderedDict[int, str] = OrderedDict()
        self._by_uid = self._devices_by_uid()
        for uid, device in self._by_uid.items():
            self.connections.expect(uid, device, now)

    @property
    def devices(self) -> Mapping[str, FleetDevice]:
        """The devices of the fleet, by device id."""
        return self.spec.fleets.get(self.fleet, {})

    # Connections

    def connect(self, uid: int, now: Timestamp) -> list[Effect]:
        """Take a device's request to connect; raises UnknownUidError if it is not in the fleet."""
        connection = self.connections.get(uid) or self._begin_waiting(uid, now)
        effects = self._handle(connection, ConnectionTrigger.CONNECT, now) if connection else []
        if connection is None or connection.state is ConnectionState.WAITING:
            raise UnknownUidError(self._why_unknown(uid), uid)
        return effects

    def ping(self, uid: int, now: Timestamp) -> list[Effect]:
        """Take a device's sign of life."""
        connection = self.connections.get(uid)
        if connection is not None:
            return self._handle(connection, ConnectionTrigger.PING, now)
        connection = self._begin_waiting(uid, now)
        if connection is not None:
            self._handle(connection, ConnectionTrigger.PING, now)
        return [LogDropped(f'a ping: {self._why_unknown(uid)}')]

    def connection_closed(self, uid: int, now: Timestamp) -> list[Effect]:
        """Take note that the way to a device is gone."""
        connection = self.connections.get(uid)
        return self._handle(connection, ConnectionTrigger.CLOSE, now) if connection else []

    def connected(self) -> list[DeviceConnection]:
        """Return the devices that are connected now."""
        return [c for c in self.connections if c.state is ConnectionState.CONNECTED]

    # Tasks

    def call(
        self, device_id: str, function_name: str, arguments: Sequence[Argument], now: Timestamp
    ) -> Command:
        """
        Accept a call and return the command to send; its `cmd_id` is the task's id.

        Raises a CallRefusedError with the reason and the remedy.
        """
        device, uid = self._connected_device(device_id, function_name)
        function, texts, serialized = check_call(self.spec, device, function_name, arguments)
        running = self.tasks.count(uid, function_name)
        if function.max_in_flight is not None and running >= function.max_in_flight:
            raise BusyError(
                f'{device_id!r} runs {function_name!r} {running} times already, as often as the '
                'table allows; wait for a result',
                device_id,
                function_name,
            )
        if len(self.tasks) >= self.limits.max_running_tasks:
            raise BusyError(
                f'{len(self.tasks)} tasks are running, as many as max_running_tasks allows; '
                'wait for results',
                device_id,
                function_name,
            )
        task = RunningTask(self._next_task_id(), uid, device, function, now)
        self.tasks.start(task)
        return Command(task.task_id, uid, function, texts, serialized)

    def command_answered(
        self, cmd_id: int, is_valid: bool, error: str, now: Timestamp
    ) -> list[Effect]:
        """Take a device's acceptance or refusal of a command."""
        task = self.tasks.get(cmd_id)
        if task is None:
            how = self._ended.get(cmd_id)
            # Usual: a device may report its result before its acceptance.
            if how is None or how is _REPORTED:
                return []
            return [LogDropped(f'the answer to task {cmd_id} came too late: {how}')]
        if not is_valid:
            reason = error or 'it gave no reason'
            text = f'{task.device.device_id!r} refused {task.function.name!r}: {reason}'
            return [self._fail(task, text, now)]
        if not task.accepted:
            self.tasks.accept(task, now)
        return []

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str, now: Timestamp
    ) -> list[Effect]:
        """Take what a device reports at a command's end."""
        task = self.tasks.get(cmd_id)
        if task is None:
            return [LogDropped(self._why_late(uid, cmd_id))]
        if task.uid != uid:
            return [
                LogDropped(
                    f'uid {uid} reported a result for task {cmd_id}, which is a task of '
                    f'{task.device.device_id!r} (uid {task.uid})'
                )
            ]
        result_jsons = _NO_VALUES
        if success:
            try:
                result_jsons = to_json(parse_values(result_str, task.function.results))
                error = ''
            except ValueMismatchError as mismatch:
                success = False
                error = f'the result does not fit {task.function.name!r}: {mismatch}'
        elif not error:
            error = 'the device gave no reason'
        return [self._end(task, success, error, result_jsons, _REPORTED, now)]

    def command_failed(self, cmd_id: int, error: str, now: Timestamp) -> list[Effect]:
        """Take note that a command could not be sent."""
        task = self.tasks.get(cmd_id)
        return [self._fail(task, error, now)] if task else []

    # Streams

    def stream_sample(self, uid: int, stream_name: str, data: str) -> list[Effect]:
        """Judge a sample by the specification; one that does not fit is dropped."""
        device = self._by_uid.get(uid)
        stream = self.spec.streams.get(stream_name)
        if device is None or stream is None or device.device_type not in stream.device_types:
            what = f'a sample of {shortened(stream_name)}'
            return [LogDropped(f'uid {uid} sent {what}, which is no stream of its device type')]
        try:
            parse_values(data, stream.values)
        except ValueMismatchError as mismatch:
            what = f'a sample of {stream_name!r} from {device.device_id!r}'
            return [LogDropped(f'{what} does not fit: {mismatch}')]
        return []

    def streams_of(self, device: FleetDevice) -> list[Stream]:
        """Return the streams that a device may send."""
        return self.spec.streams_of(device.device_type)

    # Time, and the end

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which `advance` has nothing to do."""
        times = (self.connections.next_deadline(), self.tasks.next_deadline())
        return min((time for time in times if time is not None), default=None)

    def advance(self, now: Timestamp) -> list[Effect]:
        """Do what is due: connections that were silent, tasks that are late."""
        effects: list[Effect] = []
        for task in self.tasks.take_late(now):
            effects.append(self._fail(task, self._why_failed_late(task), now))
        for connection in self.connections.take_silent(now):
            effects += self._handle(connection, ConnectionTrigger.SILENCE, now)
        return effects

    def stop(self, now: Timestamp) -> list[Effect]:
        """End every running task, since nobody will be there to take its result."""
        return [self._fail(task, 'the device manager was stopped', now) for task in self.tasks]

    def replace_spec(self, spec: Spec, now: Timestamp) -> list[Effect]:
        """
        Go on with another specification.

        Running tasks end under the definition they began with. A device that left the fleet, or
        whose type changed, is disconnected; one that waits and is now known is connected.
        """
        old, self.spec = self._by_uid, spec
        new = self._by_uid = self._devices_by_uid()
        effects: list[Effect] = []
        for uid, device in old.items():
            if uid not in new or new[uid].device_type != device.device_type:
                effects += self._handle(self.connections[uid], ConnectionTrigger.REMOVE, now)
        for uid, device in new.items():
            connection = self.connections.get(uid)
            if connection is None:
                self.connections.expect(uid, device, now)
                continue
            connection.device = device
            if connection.state is ConnectionState.WAITING:
                effects += self._handle(connection, ConnectionTrigger.ADD, now)
        return effects

    # Parts

    def _devices_by_uid(self) -> dict[int, FleetDevice]:
        return {d.uid: d for d in self.devices.values() if d.uid is not None}

    def _begin_waiting(self, uid: int, now: Timestamp) -> DeviceConnection | None:
        waiting = len(self.connections) - len(self._by_uid)
        if waiting >= self.limits.max_waiting_devices:
            return None
        return self.connections.wait(uid, now)

    def _handle(
        self, connection: DeviceConnection, event: ConnectionTrigger, now: Timestamp
    ) -> list[Effect]:
        notice = self.connections.handle(connection, event, now)
        if notice is None:
            return []
        assert connection.device is not None  # A device that waits gives no notice.
        effects: list[Effect] = [
            PublishConnectionEvent(notice, connection.uid, connection.device, now.epoch)
        ]
        if notice is ConnectionEvent.DISCONNECTED:
            reason = self._why_disconnected(connection.device, event)
            effects += [
                self._fail(task, reason, now) for task in self.tasks.of_device(connection.uid)
            ]
        return effects

    def _connected_device(self, device_id: str, function_name: str) -> tuple[FleetDevice, int]:
        device = self.devices.get(device_id)
        if device is None:
            raise UnknownDeviceIdError(self._why_no_device(device_id), device_id, function_name)
        connection = None if device.uid is None else self.connections.get(device.uid)
        if connection is None or connection.state is not ConnectionState.CONNECTED:
            raise DeviceNotConnectedError(
                self._why_unavailable(device, connection), device_id, function_name
            )
        return device, connection.uid

    def _next_task_id(self) -> int:
        # After 2**32 tasks the ids begin again, while some task may be running since long ago.
        while (task_id := next(self._task_ids)) in self.tasks:
            pass
        return task_id

    def _fail(self, task: RunningTask, error: str, now: Timestamp) -> PublishResult:
        return self._end(task, False, error, _NO_VALUES, shortened(error), now)

    def _end(
        self,
        task: RunningTask,
        success: bool,
        error: str,
        result_jsons: str,
        how: str,
        now: Timestamp,
    ) -> PublishResult:
        self.tasks.end(task)
        self._ended[task.task_id] = how
        if len(self._ended) > _REMEMBERED_TASKS:
            self._ended.popitem(last=False)
        return PublishResult(
            task.uid, task.task_id, success, error, result_jsons, task.started.epoch, now.epoch
        )

    # Reasons

    def _why_unknown(self, uid: int) -> str:
        if problem := self.spec.left_out.uids.get(uid):
            return f'uid {uid} cannot be used: {problem}'
        return f'uid {uid} is not in the fleet {self.fleet!r}; {self._where_to_add()}'

    def _why_no_device(self, device_id: str) -> str:
        if problem := self.spec.left_out.devices.get((self.fleet, device_id)):
            return f'the device {device_id!r} cannot be used: {problem}'
        name = shortened(device_id)
        return f'no device {name} in the fleet {self.fleet!r}; {self._where_to_add()}'

    def _where_to_add(self) -> str:
        table = fleet_table(self.fleet)
        if self.fleet in self.spec.fleets:
            return f'add it to the table {table!r}'
        known = ', '.join(sorted(self.spec.fleets)) or 'none'
        return f'there is no table {table!r}; the fleets are: {known}'

    def _why_unavailable(self, device: FleetDevice, connection: DeviceConnection | None) -> str:
        if connection is None:
            table = fleet_table(device.fleet)
            return f'{device.device_id!r} has no uid yet; enter it in the table {table!r}'
        reasons = {
            ConnectionState.EXPECTED: 'it has not connected since the device manager started',
            ConnectionState.TIMED_OUT: 'it timed out; it is back when it pings again',
            ConnectionState.DISCONNECTED: (
                'it was disconnected after a long silence; is it switched on?'
            ),
        }
        return f'{device.device_id!r} is not connected: {reasons[connection.state]}'

    def _why_disconnected(self, device: FleetDevice, event: ConnectionTrigger) -> str:
        if event is ConnectionTrigger.REMOVE:
            return f'{device.device_id!r} was disconnected: its row in the fleet was changed'
        return f'{device.device_id!r} was disconnected: it stayed silent for too long'

    def _why_failed_late(self, task: RunningTask) -> str:
        name, function = repr(task.device.device_id), repr(task.function.name)
        if task.accepted:
            return f'{name} did not finish {function} in {self.tasks.timeout_s(task.function):g} s'
        return f'{name} did not accept {function} in {self.tasks.accept_timeout_s:g} s'

    def _why_late(self, uid: int, cmd_id: int) -> str:
        if how := self._ended.get(cmd_id):
            return f'uid {uid} reported a result for task {cmd_id}, which had ended: {how}'
        return f'uid {uid} reported a result for task {cmd_id}, which is unknown'
