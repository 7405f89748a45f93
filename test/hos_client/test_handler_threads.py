"""Threads for the functions of a program."""

from __future__ import annotations

import threading

import pytest
from manager_double import WAIT_S

from hos_client import handler_threads
from hos_client.handler_threads import HandlerThreads, TooManyThreadsError


def test_a_function_runs_at_once_whatever_the_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_threads, 'MAX_THREADS', 3)
    threads, release = HandlerThreads(), threading.Event()
    blocked = [threads.submit(lambda: release.wait(WAIT_S)) for _ in range(2)]
    assert threads.submit(threading.get_ident).result(WAIT_S) != threading.get_ident()
    blocked.append(threads.submit(lambda: release.wait(WAIT_S)))
    with pytest.raises(TooManyThreadsError):
        threads.submit(print)
    release.set()
    assert all(future.result(WAIT_S) for future in blocked)


def test_an_idle_thread_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_threads, 'MAX_THREADS', 1)
    threads = HandlerThreads()
    first = threads.submit(threading.get_ident).result(WAIT_S)
    while True:
        # The thread is idle shortly after it has set the result.
        try:
            second = threads.submit(threading.get_ident)
        except TooManyThreadsError:
            continue
        break
    assert second.result(WAIT_S) == first


@pytest.mark.parametrize('error', [SystemExit(), RuntimeError('broken')])
def test_an_exception_of_any_kind_is_the_outcome(error: BaseException) -> None:
    def fail() -> None:
        raise error

    threads = HandlerThreads()
    for _ in range(2):
        assert threads.submit(fail).exception(WAIT_S) is error
