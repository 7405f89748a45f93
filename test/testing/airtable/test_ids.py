"""Ids look like Airtable's and are the same in every run."""

from __future__ import annotations

import re

from hos_device_layer.testing.airtable.ids import IdSequence


def test_ids_have_airtables_form_and_never_repeat() -> None:
    ids = IdSequence()
    made = [ids.new('rec') for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r'rec[0-9A-Za-z]{14}', id_) for id_ in made)


def test_every_run_has_the_same_ids() -> None:
    first, second = IdSequence(), IdSequence()
    assert [first.new('tbl') for _ in range(5)] == [second.new('tbl') for _ in range(5)]
