"""Jobs for another thread; here the test itself runs what the mailbox asks to run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hos_device_layer.links.gateway.mailbox import _BATCH, Mailbox, Urgency


class FakeThread:
    """Keeps the functions that it was woken with until `run_next`."""

    def __init__(self) -> None:
        self.woken: list[Callable[[], None]] = []

    def run_next(self) -> None:
        self.woken.pop(0)()


@pytest.fixture
def thread() -> FakeThread:
    return FakeThread()


@pytest.fixture
def mailbox(thread: FakeThread) -> Mailbox:
    return Mailbox(thread.woken.append)


def test_one_wake_runs_all_queued_jobs_in_order(thread: FakeThread, mailbox: Mailbox) -> None:
    done: list[int] = []
    for n in range(5):
        mailbox.put(lambda n=n: done.append(n))  # type: ignore[misc]
    assert done == []
    assert len(thread.woken) == 1
    thread.run_next()
    assert done == [0, 1, 2, 3, 4]
    assert thread.woken == []


def test_a_job_after_a_run_wakes_the_thread_again(thread: FakeThread, mailbox: Mailbox) -> None:
    done: list[str] = []
    for name in ('a', 'b'):
        mailbox.put(lambda name=name: done.append(name))  # type: ignore[misc]
        thread.run_next()
    assert done == ['a', 'b']


def test_a_job_that_is_put_by_a_job_runs(thread: FakeThread, mailbox: Mailbox) -> None:
    done: list[str] = []
    mailbox.put(lambda: mailbox.put(lambda: done.append('inner')))
    while thread.woken:
        thread.run_next()
    assert done == ['inner']


def test_a_job_that_raises_is_logged_and_the_next_one_runs(
    thread: FakeThread, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    mailbox.put(lambda: 1 / 0)
    mailbox.put(lambda: done.append('next'))
    thread.run_next()
    assert done == ['next']
    assert 'ZeroDivisionError' in caplog.text


def test_many_jobs_run_in_batches(thread: FakeThread, mailbox: Mailbox) -> None:
    done: list[int] = []
    for n in range(2 * _BATCH + 1):
        mailbox.put(lambda n=n: done.append(n))  # type: ignore[misc]
    for batch in (1, 2):
        thread.run_next()
        assert len(done) == batch * _BATCH
        assert len(thread.woken) == 1
    thread.run_next()
    assert done == list(range(2 * _BATCH + 1))
    assert thread.woken == []


def test_jobs_that_may_wait_run_with_the_next_one(thread: FakeThread, mailbox: Mailbox) -> None:
    done: list[int] = []
    later: list[Callable[[], None]] = []

    def put_unhurried(n: int) -> None:
        mailbox.put(lambda: done.append(n), Urgency(lambda _, wake: later.append(wake)))

    for n in range(3):
        put_unhurried(n)
    assert len(later) == 1 and thread.woken == []
    mailbox.put(lambda: done.append(3))
    thread.run_next()
    assert done == [0, 1, 2, 3]
    later.pop()()
    assert thread.woken == []
    put_unhurried(4)
    later.pop()()
    thread.run_next()
    assert done == [0, 1, 2, 3, 4]
    assert later == thread.woken == []


def test_jobs_that_run_first_leave_a_quarter_to_the_others(
    thread: FakeThread, mailbox: Mailbox
) -> None:
    done: list[str] = []
    for n in range(8):
        mailbox.put(lambda n=n: done.append(f'other {n}'))  # type: ignore[misc]
        first = Urgency(is_first=True)
        mailbox.put(lambda n=n: done.append(f'first {n}'), first)  # type: ignore[misc]
    while thread.woken:
        thread.run_next()
    assert done[:4] == ['first 0', 'first 1', 'first 2', 'other 0']
    assert done[4:8] == ['first 3', 'first 4', 'first 5', 'other 1']
    for kind in ('first', 'other'):
        assert [d for d in done if kind in d] == [f'{kind} {n}' for n in range(8)]
