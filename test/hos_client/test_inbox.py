"""Tasks that wait for the program."""

from __future__ import annotations

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
