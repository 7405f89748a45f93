"""Running coroutines with a time limit, or beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

_T = TypeVar('_T')


async def within(seconds: float | None, work: Awaitable[_T]) -> _T:
    """
    Return the result of `work`; raises TimeoutError if it takes longer than `seconds`.

    `asyncio.wait_for` before Python 3.12 loses a cancellation that arrives with the result.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_retrieve_exception)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not done:
        raise TimeoutError(f'no answer within {seconds:g} s')
    return task.result()


async def until_first(*work: Awaitable[object]) -> None:
    """Run until the first one ends, and cancel the others; raises the error of the first one."""
    tasks = {asyncio.ensure_future(one) for one in work}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _retrieve_exception(task: asyncio.Future[Any]) -> None:
    # asyncio would print an exception that nobody retrieves.
    if not task.cancelled():
        task.exception()
