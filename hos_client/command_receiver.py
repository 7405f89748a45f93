"""Incoming commands: each becomes a task for a handler, a receiver or the inbox."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.rosbridge.frames import CallService, FrameError, ServiceResponse

from . import wire
from .device import Device
from .handlers import CommandHandlers, Handler, error_text
from .inbox import Inbox
from .message import JSON, TEXT, Message, Task

_log = logging.getLogger(__name__)

# Tasks without a response; the oldest are forgotten, because they have timed out by then.
_MAX_OPEN_TASKS = 20_000

# Returns the device of a uid, None if the program has none.
FindDevice = Callable[[int], Device | None]

# Sends a task's result, or its error.
Respond = Callable[[Task, Any, str | None], object]

ReportProgress = Callable[[Task, Any], Message]


class CommandReceiver:
    """
    Turns commands into tasks and passes them on; remembers the tasks without a response.

    A handler for the function comes first, then the receiver, by default the inbox.
    """

    def __init__(
        self,
        find_device: FindDevice,
        executor: Executor,
        respond: Respond,
        report_progress: ReportProgress,
    ) -> None:
        self.handlers = CommandHandlers()
        self._find_device = find_device
        self._executor = executor
        self._respond = respond
        self._report_progress = report_progress
        self._inbox = Inbox()
        self._receiver: Callable[[Task], bool] = self._inbox.put
        self._is_receiving = False
        self._open_tasks: OrderedDict[tuple[int, int], Task] = OrderedDict()
        self._lock = threading.Lock()
        self._running: set[asyncio.Task[None]] = set()

    def next_task(self) -> Future[Task]:
        """Return a future of the next task; cancel it to stop waiting."""
        self._is_receiving = True
        return self._inbox.take()

    def receive_with(self, receiver: Callable[[Task], bool]) -> None:
        """Pass tasks to `receiver` instead of the inbox; it returns False if it has no room."""
        self._is_receiving = True
        self._receiver = receiver

    def close_task(self, task: Task) -> bool:
        """Record that a task has its response; returns False if it already had one."""
        with self._lock:
            return self._open_tasks.pop((task.uid, task.cmd_id), None) is task

    def receive(self, frame: CallService) -> ServiceResponse:
        """Accept or refuse a command; runs on the connection's thread."""
        try:
            error = self._accept(wire.read_command(frame))
        except (FrameError, ValueMismatchError) as broken:
            error = str(broken)
        return wire.answer_frame(frame, error)

    def _accept(self, command: wire.ReceivedCommand) -> str | None:
        """Start a command; returns the reason if it cannot be started, else None."""
        device = self._find_device(command.uid)
        if device is None:
            return f'this program has no device with uid {command.uid}'
        task = self._task(device, command)
        handler = self.handlers.get(command.function_name)
        if handler is None and self.handlers and not self._is_receiving:
            known = ', '.join(self.handlers.names())
            return f'{device.id} does not handle {command.function_name!r}; it handles: {known}'
        with self._lock:
            self._open_tasks[task.uid, task.cmd_id] = task
            if len(self._open_tasks) > _MAX_OPEN_TASKS:
                self._open_tasks.popitem(last=False)
        if handler is not None:
            running = asyncio.get_running_loop().create_task(self._handle(handler, task))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        elif not self._receiver(task):
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

    async def _handle(self, handler: Handler, task: Task) -> None:
        try:
            if handler.is_async:
                data = await handler.call(task)
            else:
                loop = asyncio.get_running_loop()
                data = await loop.run_in_executor(self._executor, handler.call, task)
            self._respond(task, data, None)
        except Exception as error:
            # Any exception of a handler fails the task; the caller gets its text.
            _log.warning('%s of %s failed', task.function_name, task.device, exc_info=True)
            self._respond(task, None, error_text(error))
