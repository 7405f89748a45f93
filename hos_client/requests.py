"""Requests of the program: each ends with one Message, also after a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .message import Message
from .outbox import Done, Outbox, Substitute
from .wire import Publication

TIMED_OUT = Message(408, 'no answer within the timeout')

# Ends a request that nobody waits for any longer; without effect if it has ended.
GiveUp = Callable[[], object]

# Starts a request on the event loop; `done` is called once with its outcome.
Request = Callable[[Done], GiveUp]


def finished(outcome: Message) -> Request:
    """Return a request that ends at once."""

    def start(done: Done) -> GiveUp:
        done(outcome)
        return lambda: None

    return start


def delivery(
    outbox: Outbox,
    notify: Callable[[], object],
    publication: Publication,
    is_kept: bool,
    substitute: Substitute | None = None,
) -> Request:
    """Return a request that ends when the gateway has confirmed a publication."""

    def start(done: Done) -> GiveUp:
        number = outbox.put(publication, done, is_kept, substitute)
        notify()
        return lambda: outbox.give_up(number, TIMED_OUT)

    return start


def exchange(work: Callable[[], Awaitable[Message]]) -> Request:
    """Return a request that ends with the result of a coroutine."""

    def start(done: Done) -> GiveUp:
        task = asyncio.ensure_future(work())
        task.add_done_callback(lambda task: done(_outcome(task)))
        return task.cancel

    return start


def start_in_time(request: Request, done: Done, timeout: float | None) -> GiveUp:
    """Start a request that is given up after `timeout` [s]; on the event loop."""
    timer: asyncio.TimerHandle | None = None
    is_done = False

    def finish(outcome: Message) -> None:
        nonlocal is_done
        is_done = True
        if timer is not None:
            timer.cancel()
        done(outcome)

    give_up = request(finish)
    if timeout is not None and not is_done:
        timer = asyncio.get_running_loop().call_later(timeout, give_up)
    return give_up


async def outcome_of(request: Request, timeout: float | None) -> Message:
    """Run a request and return its outcome."""
    future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def set_outcome(outcome: Message) -> None:
        if not future.done():
            future.set_result(outcome)

    give_up = start_in_time(request, set_outcome, timeout)
    try:
        return await future
    finally:
        give_up()


def _outcome(task: asyncio.Future[Message]) -> Message:
    if task.cancelled():
        return TIMED_OUT
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    if isinstance(error, OSError):
        return Message(503, str(error))
    return Message(500, f'{type(error).__name__}: {error}')
