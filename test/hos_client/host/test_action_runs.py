"""Runs of actions and the memory of the latest ones."""

from __future__ import annotations

from typing import Any

from hos_client.host import Action
from hos_client.host.action_runs import REMEMBERED, RecentRuns


def test_an_action_id_runs_once_unless_it_has_failed() -> None:
    memory = RecentRuns()
    run, is_new = memory.admit(Action(1, 'x'), 0.0)
    assert is_new and memory.admit(Action(1, 'x'), 0.0) == (run, False)
    assert run.succeed(5) and not run.fail(ValueError())
    outcomes: list[Any] = []
    again, is_new = memory.admit(Action(1, 'x'), 0.0)
    again.when_done(lambda *outcome: outcomes.append(outcome))
    assert not is_new and outcomes == [(5, None)]
    failed, _ = memory.admit(Action(2, 'x'), 0.0)
    assert memory.unfinished() == [failed]
    failed.fail(ValueError('door'))
    retry, is_new = memory.admit(Action(2, 'x'), 0.0)
    assert is_new and retry is not failed and memory.unfinished() == [retry]


def test_only_the_latest_runs_are_remembered() -> None:
    memory = RecentRuns()
    for n in range(REMEMBERED + 1):
        memory.admit(Action(n, 'x'), 0.0)[0].succeed(None)
    assert memory.admit(Action(REMEMBERED, 'x'), 0.0)[1] is False
    assert memory.admit(Action(0, 'x'), 0.0)[1] is True
