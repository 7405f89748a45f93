"""Names the asynchronous handlers that block the event loop."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

_log = logging.getLogger(__name__)

# How long the loop may be blocked before it is reported, and how often it is looked at [s].
BLOCKED_S = 1.0
_INTERVAL_S = 0.5


class LoopWatch:
    """
    Watches the event loop while handlers run on it, from a thread of its own.

    A blocked loop is reported while it is blocked: otherwise nobody would learn of a handler that
    never returns, and all devices of the program would time out.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The names of the running handlers, by their code; the number of running ones.
        self._names: dict[CodeType, str] = {}
        self._running = 0
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, code: CodeType | None, name: str) -> Iterator[None]:
        """Watch the loop while a handler runs on it."""
        if code is not None:
            self._names[code] = name
        self._begin()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1

    def stop(self) -> None:
        """End the thread when it looks next."""
        with self._changed:
            self._thread = None
            self._changed.notify()

    def _begin(self) -> None:
        with self._changed:
            self._running += 1
            if self._thread is None:
                loop, thread_id = asyncio.get_running_loop(), threading.get_ident()
                self._thread = threading.Thread(
                    target=self._run, args=(loop, thread_id), name='hos_client_watch', daemon=True
                )
                self._thread.start()
            elif self._running == 1:
                self._changed.notify()

    def _run(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        me = threading.current_thread()
        while self._wait_for_work(me):
            is_alive = threading.Event()
            try:
                loop.call_soon_threadsafe(is_alive.set)
            except RuntimeError:  # The loop has been closed.
                return
            if not is_alive.wait(BLOCKED_S):
                self._report(sys._current_frames().get(thread_id))
                while not is_alive.wait(BLOCKED_S) and self._thread is me:
                    pass

    def _wait_for_work(self, me: threading.Thread) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._thread is not me, _INTERVAL_S)
            self._changed.wait_for(lambda: self._thread is not me or self._running)
            return self._thread is me

    def _report(self, frame: FrameType | None) -> None:
        if frame is None:
            return
        where = f'{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}'
        caller: FrameType | None = frame
        while caller is not None and caller.f_code not in self._names:
            caller = caller.f_back
        handler = 'a function of the program'
        if caller is not None:
            handler = f'the handler of {self._names[caller.f_code]!r}'
        _log.warning(
            '%s has blocked the event loop for %g s (%s); no device of this program is served '
            'meanwhile. Make it a plain function instead of an async one, or await',
            handler,
            BLOCKED_S,
            where,
        )
