"""An event loop on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from .errors import ClientError

_T = TypeVar('_T')

_NOT_RUNNING = 'the client is not running: call start(), or use `with Client(…) as client:`'


class EventLoopThread:
    """Runs a coroutine, and functions meanwhile, from `start` until the coroutine ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start; raises ClientError if it was started before."""
        if self._thread is not None:
            raise ClientError('the client has been started before; create another one')
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, work), name=self._name, daemon=True
        )
        self._thread.start()

    def check_started(self) -> None:
        """Raise ClientError if it was not started."""
        if self._thread is None:
            raise ClientError(_NOT_RUNNING)

    def join(self, timeout_s: float) -> None:
        """Wait until the coroutine has ended, `timeout_s` [s] at the longest."""
        if self._thread is not None and not self.is_current:
            self._thread.join(timeout_s)

    @property
    def is_current(self) -> bool:
        """Whether the caller is on this thread, which must not block."""
        return threading.current_thread() is self._thread

    def call(self, function: Callable[[], object]) -> None:
        """Run a function on the thread; raises ClientError if it does not run."""
        with self._lock:
            if self._loop is None:
                raise ClientError(_NOT_RUNNING)
            self._loop.call_soon_threadsafe(function)

    def submit(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> Future[_T]:
        """Run a coroutine on the thread; raises ClientError if it does not run."""
        with self._lock:
            if self._loop is None:
                raise ClientError(_NOT_RUNNING)
            return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def _run(
        self, loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(work())
        finally:
            # From here on nothing is added, so that nothing is left when the loop is closed.
            with self._lock:
                self._loop = None
            loop.run_until_complete(_end_tasks())
            loop.close()


async def _end_tasks() -> None:
    # Lets functions run that were added before.
    await asyncio.sleep(0)
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
