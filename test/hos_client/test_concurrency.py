"""Coroutines with a time limit, and beside each other."""

from __future__ import annotations

import asyncio

import pytest

from hos_client.concurrency import until_first, within


def test_work_that_ends_in_time_returns_its_result() -> None:
    async def work() -> int:
        return 5

    assert asyncio.run(within(10, work())) == 5


def test_work_that_takes_longer_is_cancelled() -> None:
    cancelled = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError, match=r'no answer within 0\.01 s'):
        asyncio.run(within(0.01, work()))
    assert cancelled


def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ConnectionError('closed')

    with pytest.raises(ConnectionError, match='closed'):
        asyncio.run(within(10, work()))


def test_the_first_one_that_ends_ends_the_others() -> None:
    ended = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append('wait')

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionError('closed')

    with pytest.raises(ConnectionError, match='closed'):
        asyncio.run(until_first(wait(), fail()))
    assert ended == ['wait']
