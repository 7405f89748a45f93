"""The futures of a call: their callbacks are guarded, and they can be awaited in every style."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from rclpy.task import Future

from ..guarding import ErrorLog, logging_exceptions
from .coroutines import protect, resume, running_task, suspend


class CallFuture(Future):
    """
    A future that is completed by the client of its node.

    An exception in a done callback is logged. `await` works in coroutines of all rclpy executors
    and of asyncio, and takes no processor time while it waits.
    """

    def __init__(self, log: ErrorLog) -> None:
        super().__init__()
        self._log = log
        self._wakers: list[Callable[[], object]] = []

    def add_done_callback(self, callback: Callable[[Future], object]) -> None:
        """Run a callback, or a coroutine, as a task of the node's executor when done."""
        super().add_done_callback(logging_exceptions(self._log, callback))

    def remove_done_callback(self, callback: Callable[[Future], object]) -> bool:
        """Remove a callback that has not been run; returns whether there was one."""
        for added in self._callbacks:
            if added.__wrapped__ == callback:
                return bool(super().remove_done_callback(added))
        return False

    def set_result(self, result: Any) -> None:
        """Complete the future; whoever waits for it continues, also if no executor is spun."""
        with self._waking():
            super().set_result(result)

    def cancel(self) -> None:
        """Give the future up; the call goes on."""
        with self._waking():
            super().cancel()

    def when_done(self, waker: Callable[[], object]) -> None:
        """Call a short function when done, on the thread that completes the future."""
        with self._lock:
            if self._pending():
                self._wakers.append(waker)
                return
        waker()

    def __await__(self) -> Generator[Any, None, Any]:
        task = running_task()
        if task is None and (loop := _running_loop()) is not None:
            yield from self._in_loop(loop)
        if task is not None:
            protect(task, self._log)
        is_first = True
        while self._pending():
            if task is not None:
                suspend(task)
                if is_first:
                    self.when_done(partial(resume, task))
                    is_first = False
            yield
        return self.result()

    def _in_loop(self, loop: asyncio.AbstractEventLoop) -> Generator[Any, None, None]:
        done = asyncio.Event()
        self.when_done(lambda: loop.call_soon_threadsafe(done.set))
        yield from done.wait().__await__()

    @contextlib.contextmanager
    def _waking(self) -> Generator[None, None, None]:
        try:
            yield
        finally:
            with self._lock:
                wakers, self._wakers = self._wakers, []
            for waker in wakers:
                # Its event loop or executor may have ended meanwhile.
                with contextlib.suppress(Exception):
                    waker()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
