"""The lifecycle of tasks: accept a call, send its command, publish exactly one result."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import (
    BusyError,
    DeviceNotConnectedError,
    HosError,
    UnknownDeviceIdError,
    ValueMismatchError,
)
from ..spec.tables import fleet_table
from ..text import shortened, without_nul
from .calls import check_call
from .commands import Command
from .connection_states import ConnectionState
from .effects import CallAnswer, Effect, LogDropped, PublishResult, SendCommand, WithdrawCommand
from .results import parse_values, to_json
from .tasks import RunningTask, RunningTasks

if TYPE_CHECKING:
    from ..spec.records import FleetDevice, Function
    from ..timestamp import Timestamp
    from .connections import Connections, DeviceConnection, EndTasks
    from .events import CallRequested, CommandAnswered, ResultReported, SendFailed
    from .fleet_index import FleetIndex

# How many ended tasks are remembered, to distinguish late messages from unknown tasks: some
# seconds of calls, because a client that reconnects sends unconfirmed results again.
REMEMBERED_TASKS = 10_000

_NO_VALUES = '{}'

# How a task ended if its device reported a result.
_REPORTED = 'the device had already reported its result'

_WHY_NOT_CONNECTED = {
    ConnectionState.EXPECTED: 'it has not connected since the device manager started',
    ConnectionState.TIMED_OUT: 'it timed out; it reconnects with its next ping',
    ConnectionState.DISCONNECTED: (
        'it was disconnected because it was silent for too long; check that it is switched on'
    ),
}


class _EndedTask(NamedTuple):
    """How a task ended; `report` is the hash of the result and its link, if there was one."""

    how: str
    report: int | None = None


class TaskLifecycle:
    """
    Handles the events of tasks; the event handlers return effects.

    Every accepted call ends with exactly one `PublishResult`. `task_ids` yields ids that were
    never used before, or raises HosError, which refuses the call; at most `max_running` tasks run
    at a time.
    """

    def __init__(
        self,
        fleet: FleetIndex,
        connections: Connections,
        tasks: RunningTasks,
        task_ids: Iterator[int],
        max_running: int,
    ) -> None:
        self._fleet = fleet
        self._connections = connections
        self._tasks = tasks
        self._task_ids = task_ids
        self._max_running = max_running
        self._ended: OrderedDict[int, _EndedTask] = OrderedDict()

    def replace_fleet(self, fleet: FleetIndex) -> None:
        """Check new calls against another specification; running tasks are not affected."""
        self._fleet = fleet

    # Events

    def call_requested(
        self, event: CallRequested, now: Timestamp, _link: str = ''
    ) -> list[Effect]:
        """Accept a call and send its command, or refuse it with the reason."""
        try:
            device, connection = self._connected_device(event)
            call = check_call(self._fleet.spec, device, event.function_name, event.arguments)
            self._check_capacity(event, connection.uid, call.function)
            task_id = self._next_task_id()
        except HosError as error:
            return [CallAnswer(False, str(error))]
        task = RunningTask(task_id, connection.uid, device, call.function, connection.link, now)
        self._tasks.start(task)
        command = Command(task.task_id, task.uid, *call)
        return [SendCommand(task.link, command), CallAnswer(True, '', task.task_id)]

    def command_answered(self, event: CommandAnswered, now: Timestamp, link: str) -> list[Effect]:
        """Handle that a device accepted or refused a command."""
        task = self._tasks.get(event.cmd_id)
        if task is None:
            return self._late_answer(event.cmd_id)
        if reason := self._why_foreign(event.uid, task, link):
            return [LogDropped(f'an answer to task {event.cmd_id}: {reason}')]
        if not event.is_valid:
            reason = event.error or 'the device gave no reason'
            task.answered = True
            return self.fail(
                task, f'{task.device.device_id!r} refused {task.function.name!r}: {reason}', now
            )
        if not task.accepted:
            self._tasks.accept(task, now)
        return []

    def result_reported(self, event: ResultReported, now: Timestamp, link: str) -> list[Effect]:
        """Handle the result of a command; one that does not fit the function fails the task."""
        cmd_id = event.cmd_id
        task = self._tasks.get(cmd_id)
        if task is None:
            return self._late_result(event, link)
        if reason := self._why_foreign(event.uid, task, link):
            return [LogDropped(f'a result for task {cmd_id}: {reason}')]
        success, error, result_jsons = _outcome(event, task)
        effects = self._end(task, success, error, result_jsons, _REPORTED, now)
        self._ended[cmd_id] = _EndedTask(_REPORTED, hash((event, link)))
        return effects

    def send_failed(self, event: SendFailed, now: Timestamp, _link: str = '') -> list[Effect]:
        """Handle that a command could not be sent."""
        task = self._tasks.get(event.cmd_id)
        return self.fail(task, event.error, now) if task else []

    def advance(self, until: float, now: Timestamp) -> list[Effect]:
        """End the tasks whose time limit is not later than `until` [s, steady]."""
        return [
            effect
            for task in self._tasks.take_late(until)
            for effect in self.fail(task, self._why_late(task), now)
        ]

    def end_all(self, error: str, now: Timestamp) -> list[Effect]:
        """End all running tasks with an error."""
        return [effect for task in self._tasks for effect in self.fail(task, error, now)]

    def end_of_device(self, ended: EndTasks, now: Timestamp) -> list[Effect]:
        """End the running tasks of a device, or those without an answer to their commands."""
        return [
            effect
            for task in self._tasks.of_device(ended.uid)
            if not (ended.only_unanswered and task.answered)
            for effect in self.fail(task, ended.error, now)
        ]

    def fail(self, task: RunningTask, error: str, now: Timestamp) -> list[Effect]:
        """End a task with an error."""
        return self._end(task, False, error, _NO_VALUES, shortened(error), now)

    # Parts

    def _connected_device(self, event: CallRequested) -> tuple[FleetDevice, DeviceConnection]:
        device_id, function_name = event.device_id, event.function_name
        device = self._fleet.devices.get(device_id)
        if device is None:
            raise UnknownDeviceIdError(
                self._fleet.unknown_device_id(device_id), device_id, function_name
            )
        connection = None if device.uid is None else self._connections.get(device.uid)
        if connection is None:
            raise DeviceNotConnectedError(
                f'{device_id!r} has no uid yet; enter it in the table '
                f'{fleet_table(device.fleet)!r}',
                device_id,
                function_name,
            )
        if connection.state is not ConnectionState.CONNECTED:
            raise DeviceNotConnectedError(
                f'{device_id!r} is not connected: {_WHY_NOT_CONNECTED[connection.state]}',
                device_id,
                function_name,
            )
        return device, connection

    def _check_capacity(self, event: CallRequested, uid: int, function: Function) -> None:
        running = self._tasks.count(uid, function.name)
        if function.max_in_flight is not None and running >= function.max_in_flight:
            raise BusyError(
                f'{event.device_id!r} is already running {function.name!r} {running} times, the '
                'limit (max_in_flight) of the function; wait for a result',
                event.device_id,
                event.function_name,
            )
        if len(self._tasks) >= self._max_running:
            raise BusyError(
                f'running tasks: {len(self._tasks)}, the limit set by max_running_tasks; wait for '
                'results',
                event.device_id,
                event.function_name,
            )

    def _next_task_id(self) -> int:
        # After 2**32 tasks the ids start again, and an old task may still be running.
        while (task_id := next(self._task_ids)) in self._tasks:
            pass
        return task_id

    def _end(
        self,
        task: RunningTask,
        success: bool,
        error: str,
        result_jsons: str,
        how: str,
        now: Timestamp,
    ) -> list[Effect]:
        self._tasks.end(task)
        self._ended[task.task_id] = _EndedTask(how)
        if len(self._ended) > REMEMBERED_TASKS:
            self._ended.popitem(last=False)
        result = PublishResult(
            task.task_id, success, without_nul(error), result_jsons, task.started.epoch, now.epoch
        )
        if task.answered:
            return [result]
        # The command must not be executed after its result has been published.
        return [WithdrawCommand(task.link, task.uid, task.task_id), result]

    # Reasons

    def _why_foreign(self, uid: int, task: RunningTask, link: str) -> str:
        """Return why a message about a task must be dropped; '' if its device sent it."""
        if task.uid != uid:
            return (
                f'it was sent by uid {uid}, but the task runs on {task.device.device_id!r} '
                f'(uid {task.uid})'
            )
        return self._connections.foreign_link(uid, link)

    def _late_answer(self, cmd_id: int) -> list[Effect]:
        ended = self._ended.get(cmd_id)
        # A device may report its result before its acceptance.
        if ended is None or ended.how is _REPORTED:
            return []
        return [LogDropped(f'the answer to task {cmd_id} came too late: {ended.how}')]

    def _late_result(self, event: ResultReported, link: str) -> list[Effect]:
        ended = self._ended.get(event.cmd_id)
        if ended is not None and ended.report == hash((event, link)):
            # A device sends a result again if it does not know whether the first one arrived.
            return []
        state = f'which has ended: {ended.how}' if ended else 'which is unknown'
        return [LogDropped(f'a result of uid {event.uid} for task {event.cmd_id}, {state}')]

    def _why_late(self, task: RunningTask) -> str:
        name, function = repr(task.device.device_id), repr(task.function.name)
        if task.accepted:
            limit_s = self._tasks.timeout_s(task.function)
            return f'{name} did not finish {function} within {limit_s:g} s'
        return f'{name} did not accept {function} within {self._tasks.accept_timeout_s:g} s'


def _outcome(event: ResultReported, task: RunningTask) -> tuple[bool, str, str]:
    """Return whether a task succeeded, its error, and its values as JSON."""
    if not event.success:
        return False, event.error or 'the device gave no reason', _NO_VALUES
    try:
        values = parse_values(event.result_str, task.function.results)
    except ValueMismatchError as mismatch:
        return False, f'the result does not fit {task.function.name!r}: {mismatch}', _NO_VALUES
    return True, '', to_json(values)
