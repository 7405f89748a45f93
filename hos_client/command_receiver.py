"""Incoming commands: each becomes a task for a handler or a receiver."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.rosbridge.frames import CallService, FrameError, ServiceResponse

from . import wire
from .device import Device
from .guarding import report_exception
from .handler_threads import HandlerThreads, TooManyThreadsError
from .handlers import CommandHandlers, Handler, error_text
from .loop_watch import LoopWatch
from .message import JSON, TEXT, Message, Task

# Tasks without a response; the oldest are forgotten, because they have timed out by then.
_MAX_OPEN_TASKS = 20_000

# Returns the device of a uid, None if the program has none.
FindDevice = Callable[[int], Device | None]

# Takes a task; returns False if it has no room.
Receive = Callable[[Task], bool]

# Sends a task's result, or its error.
Respond = Callable[[Task, Any, str | None], object]

ReportProgress = Callable[[Task, Any], Message]


class CommandReceiver:
    """
    Turns commands into tasks and passes them on; remembers the tasks without a response.

    A handler for the function comes first, then the receiver. Used on the client's event loop.
    """

    def __init__(
        self,
        find_device: FindDevice,
        threads: HandlerThreads,
        receiver: Receive,
        respond: Respond,
        report_progress: ReportProgress,
    ) -> None:
        self.handlers = CommandHandlers()
        # Whether the program receives the tasks for which it has no handler.
        self.is_receiving = False
        self._find_device = find_device
        self._threads = threads
        self._receiver = receiver
        self._respond = respond
        self._report_progress = report_progress
        self._open_tasks: OrderedDict[tuple[int, int], Task] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._watch = LoopWatch()
        self._why_closed: str | None = None

    def receive_with(self, receiver: Receive) -> None:
        """Pass tasks to `receiver`; it returns False if it has no room."""
        self.is_receiving = True
        self._receiver = receiver

    def close_task(self, task: Task) -> bool:
        """Record that a task has its response; returns False if it already had one."""
        key = task.uid, task.cmd_id
        if self._open_tasks.get(key) is not task:
            return False
        del self._open_tasks[key]
        return True

    def close_all(self, error: str) -> None:
        """Fail every task that has no response, cancel the handlers, and accept no more."""
        self._why_closed = error
        for task in list(self._open_tasks.values()):
            self._respond(task, None, error)
        for running in self._running:
            running.cancel()
        self._watch.stop()

    def receive(self, frame: CallService) -> ServiceResponse:
        """Accept or refuse a command."""
        try:
            error = self._accept(wire.read_command(frame))
        except (FrameError, ValueMismatchError) as broken:
            error = str(broken)
        return wire.answer_frame(frame, error)

    def _accept(self, command: wire.ReceivedCommand) -> str | None:
        """Start a command; returns the reason if it cannot be started, else None."""
        if self._why_closed is not None:
            return self._why_closed
        device = self._find_device(command.uid)
        if device is None:
            return f'this program has no device with uid {command.uid}'
        task = self._task(device, command)
        handler = self.handlers.get(command.function_name)
        if handler is None and self.handlers and not self.is_receiving:
            known = ', '.join(self.handlers.names())
            return f'{device.id} does not handle {command.function_name!r}; it handles: {known}'
        self._open_tasks[task.uid, task.cmd_id] = task
        if len(self._open_tasks) > _MAX_OPEN_TASKS:
            self._open_tasks.popitem(last=False)
        if not self._start(handler, task):
            self.close_task(task)
            return f'{device.id} is busy: too many commands are waiting for its program'
        return None

    def _task(self, device: Device, command: wire.ReceivedCommand) -> Task:
        metadata = {'uid': command.uid, 'cmd_id': command.cmd_id}
        return Task(
            200,
            {
                'device_id': device.id,
                'function_name': command.function_name,
                'protocol_parts': {'metadata': metadata, 'data': command.data},
            },
            TEXT if isinstance(command.data, str) else JSON,
            device=device,
            uid=command.uid,
            cmd_id=command.cmd_id,
            function_name=command.function_name,
            report_progress=self._report_progress,
        )

    def _start(self, handler: Handler | None, task: Task) -> bool:
        """Start the handler of a task, or pass it to the receiver; returns False if it is full."""
        try:
            if handler is None:
                return self._receiver(task)
            work = (
                None if handler.is_async else self._threads.submit(partial(_call, handler, task))
            )
        except TooManyThreadsError:
            return False
        except BaseException as error:
            report_exception('the receiver of tasks raised an exception', error)
            return False
        running = asyncio.get_running_loop().create_task(self._handle(handler, task, work))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return True

    async def _handle(self, handler: Handler, task: Task, work: Future[_Outcome] | None) -> None:
        outcome = _Outcome(error=asyncio.CancelledError())
        try:
            if work is None:
                with self._watch.watching(handler.code, task.function_name):
                    outcome = _Outcome(await handler.call(task))
            else:
                outcome = await asyncio.wrap_future(work)
        except BaseException as error:
            # Also SystemExit, or the cancellation of the handler: they cost this task only.
            outcome = _Outcome(error=error)
        self._finish(task, outcome)

    def _finish(self, task: Task, outcome: _Outcome) -> None:
        data, error = outcome
        if error is None:
            try:
                self._respond(task, data, None)
                return
            except ValueMismatchError as mismatch:
                error = mismatch
        if isinstance(error, asyncio.CancelledError):
            self._respond(task, None, 'the handler of the command was cancelled')
            return
        self._respond(task, None, error_text(error))
        report_exception(f'{task.function_name} of {task.device} failed', error)


class _Outcome(NamedTuple):
    """What a handler returned or raised."""

    data: Any = None
    error: BaseException | None = None


def _call(handler: Handler, task: Task) -> _Outcome:
    # Not every exception can be the outcome of a future: StopIteration cannot.
    try:
        return _Outcome(handler.call(task))
    except BaseException as error:
        return _Outcome(error=error)
