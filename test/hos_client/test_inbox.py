"""Tasks that wait for the program."""

from __future__ import annotations

import pytest

from hos_client import ClientError
from hos_client.inbox import Inbox
from hos_client.message import Task


def test_a_cancelled_receiver_loses_no_task() -> None:
    inbox = Inbox()
    gone, waiting = inbox.take(), inbox.take()
    gone.cancel()
    task = Task(200)
    assert inbox.put(task)
    assert waiting.result(0) is task
    inbox.put(task)
    assert inbox.take().result(0) is task


def test_nobody_waits_after_the_end() -> None:
    inbox = Inbox()
    waiting = inbox.take()
    inbox.close()
    for future in (waiting, inbox.take()):
        with pytest.raises(ClientError, match='stopped'):
            future.result(0)


def test_a_task_that_is_given_back_goes_to_the_next_one() -> None:
    inbox = Inbox()
    first, second = inbox.take(), inbox.take()
    task = Task(200)
    inbox.put(task)
    inbox.give_back(first)
    assert second.result(0) is task
