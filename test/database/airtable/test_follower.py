from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.follower import Follower
from hos_device_layer.testing.airtable import RunningAirtable


@pytest.fixture
def follower(filled: RunningAirtable, airtable: Airtable, tmp_path: Path) -> Follower:
    follower = Follower(airtable, tmp_path)
    follower.start()
    filled.take_calls()
    return follower


def change(server: RunningAirtable, uid: int = 17) -> None:
    server.set_cell('fleet-demo', 'R2001', 'device_uid', uid)


def test_a_change_is_noticed_once(filled: RunningAirtable, follower: Follower) -> None:
    assert not follower.was_changed()
    change(filled)
    assert follower.was_changed()
    assert not follower.was_changed()


def test_a_question_is_one_call(filled: RunningAirtable, follower: Follower) -> None:
    follower.was_changed()
    change(filled)
    follower.was_changed()
    calls = filled.take_calls()
    assert len(calls) == 2
    assert all(call.startswith('GET bases/{base}/webhooks/ach') for call in calls)


def test_more_changes_than_a_page_holds_are_one_change(
    filled: RunningAirtable, follower: Follower
) -> None:
    for uid in range(120):
        change(filled, uid)
    assert follower.was_changed()
    assert not follower.was_changed()


def test_a_renamed_column_is_a_change(filled: RunningAirtable, follower: Follower) -> None:
    def rename(base: object) -> None:
        base.table('apis').field('results').name = 'answers'  # type: ignore[attr-defined]

    filled.edit(rename)
    assert follower.was_changed()


def test_the_webhook_of_last_time_is_used_again(
    filled: RunningAirtable, follower: Follower, connect: Callable[[], Airtable], tmp_path: Path
) -> None:
    change(filled)
    again = Follower(connect(), tmp_path)
    again.start()
    assert filled.take_calls() == ['GET bases/{base}/webhooks']
    assert not again.was_changed(), 'what was changed before the start is not asked for'
    change(filled, 18)
    assert again.was_changed()


def test_an_expired_webhook_is_replaced_and_counts_as_a_change(
    filled: RunningAirtable, follower: Follower
) -> None:
    filled.delete_webhooks()
    assert follower.was_changed()
    assert not follower.was_changed()
    change(filled)
    assert follower.was_changed()


def test_a_base_is_followed_although_nothing_can_be_stored(
    filled: RunningAirtable, airtable: Airtable, tmp_path: Path
) -> None:
    (tmp_path / '.hos').write_text('')
    follower = Follower(airtable, tmp_path)
    follower.start()
    change(filled)
    assert follower.was_changed()
    assert not follower.was_changed()
