"""The choice between Airtable and the local copy, and what a pull costs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from project import SAMPLE_DB

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.core.spec.diff import diff_specs
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.source import (
    AirtableSource,
    LocalSource,
    describe_age,
    open_airtable,
)
from hos_device_layer.testing.airtable import Fault, RunningAirtable

NOW = datetime(2026, 1, 10, 12, tzinfo=timezone.utc)


@pytest.fixture
def copy(tmp_path: Path) -> LocalCopy:
    return LocalCopy(tmp_path / 'copy', lambda: NOW)


@pytest.fixture
def source(connect: Callable[[], Airtable], copy: LocalCopy) -> AirtableSource:
    return AirtableSource(connect, copy, lambda: NOW)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob('*.yaml')}


def test_a_pull_makes_one_call_for_the_schema_and_one_for_each_page(
    filled: RunningAirtable, source: AirtableSource
) -> None:
    source.pull()
    assert len(filled.take_calls()) == 1 + 6


def test_the_copy_of_a_pushed_copy_is_the_same_to_the_byte(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    source.pull()
    assert files(copy.folder) == files(SAMPLE_DB)


def test_a_pull_changes_the_lines_that_a_person_changed(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    source.pull()
    before, spec = files(copy.folder), copy.read()
    filled.set_cell('fleet-demo', 'R2001', 'device_uid', 4711)
    source.pull()
    after = files(copy.folder)
    assert [name for name in before if before[name] != after[name]] == ['fleet-demo.yaml']
    assert [str(change) for change in diff_specs(spec, copy.read())] == [
        "table 'fleet-demo', row 'R2001', column 'device_uid': changed from '10758656' to '4711'"
    ]


@pytest.mark.parametrize(
    'fault', [Fault.MONTHLY_LIMIT, Fault.SERVER_ERROR, Fault.LOST_ANSWER, Fault.NO_JSON]
)
@pytest.mark.parametrize('skip', [0, 1, 3, 6])
def test_half_a_read_never_becomes_a_copy(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy, fault: Fault, skip: int
) -> None:
    source.pull()
    before = files(copy.folder)
    filled.set_cell('devices', 'Shaker', 'description', 'changed')
    filled.faults.inject(fault, skip=skip, times=100)
    with pytest.raises(DatabaseError):
        source.pull()
    assert files(copy.folder) == before
    assert copy.history() == []


def test_what_airtable_does_not_answer_is_read_from_the_copy_with_its_age(
    filled: RunningAirtable, connect: Callable[[], Airtable], copy: LocalCopy
) -> None:
    AirtableSource(connect, copy, lambda: NOW - timedelta(days=3)).pull()
    filled.faults.inject(Fault.MONTHLY_LIMIT, times=100)
    snapshot = AirtableSource(connect, copy, lambda: NOW).read()
    assert snapshot.spec == copy.read()
    assert snapshot.warning.startswith('Airtable refused the request: the calls of this month')
    assert snapshot.warning.endswith(f'using the local copy {copy.folder}, which is 3 days old')


def test_a_copy_that_was_never_pulled_is_as_old_as_its_files(
    server: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    shutil.copytree(SAMPLE_DB, copy.folder)
    server.faults.inject(Fault.SERVER_ERROR, times=100)
    assert source.read().warning.endswith(f' {describe_age(NOW - copy.changed())} old')


def test_without_airtable_and_copy_there_is_an_error(
    server: RunningAirtable, source: AirtableSource
) -> None:
    server.faults.inject(Fault.SERVER_ERROR, times=100)
    with pytest.raises(DatabaseError, match='no local copy'):
        source.read()


def test_without_credentials_the_copy_is_read(
    copy: LocalCopy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('AIRTABLE_API_KEY', raising=False)
    shutil.copytree(SAMPLE_DB, copy.folder)
    snapshot = AirtableSource(open_airtable, copy).read()
    assert snapshot.warning.startswith('AIRTABLE_API_KEY')
    assert snapshot.spec == copy.read()


def test_the_local_source_never_touches_the_network(
    server: RunningAirtable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    snapshot = LocalSource(LocalCopy(SAMPLE_DB)).read()
    assert snapshot.warning == ''
    assert len(snapshot.spec.fleets['demo']) == 11
    assert server.take_calls() == []


def test_no_file_of_the_copy_holds_a_secret(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    source.pull()
    source.pull()
    paths = [path for path in copy.folder.rglob('*') if path.is_file()]
    assert any(path.name == 'airtable.json' for path in paths)
    for path in paths:
        for secret in (b'patLoopback', b'appLoopback'):
            assert secret not in path.read_bytes(), path


@pytest.mark.parametrize(
    ('age', 'text'),
    [
        (timedelta(seconds=59), 'less than a minute'),
        (timedelta(minutes=1), '1 minute'),
        (timedelta(hours=5, minutes=59), '5 hours'),
        (timedelta(days=2), '2 days'),
    ],
)
def test_ages_are_rough(age: timedelta, text: str) -> None:
    assert describe_age(age) == text


def make_unwritable(copy: LocalCopy) -> None:
    # Also for the superuser: the copy keeps its state in a folder of this name.
    copy.folder.mkdir(exist_ok=True)
    (copy.folder / '.hos').write_text('')


def test_a_base_that_cannot_be_stored_is_used(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    make_unwritable(copy)
    snapshot = source.read()
    assert (snapshot.origin, snapshot.is_fallback) == ('Airtable', False)
    assert len(snapshot.spec.fleets['demo']) == 11
    assert f'cannot write the local copy {copy.folder}' in snapshot.warning
    assert 'set the parameter device_db_path' in snapshot.warning


def test_a_base_that_could_not_be_stored_is_newer_than_the_copy(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    copy.write({'devices': [{'device_type': 'Old'}]})
    shutil.rmtree(copy.folder / '.hos')
    make_unwritable(copy)
    first = source.read()
    filled.faults.inject(Fault.MONTHLY_LIMIT, times=100)
    second = source.read()
    assert second.spec == first.spec
    assert second.is_fallback
    assert 'the calls of this month' in second.warning
    assert second.origin == 'Airtable, read less than a minute ago'


def test_the_copy_is_there_at_once_with_its_age(
    filled: RunningAirtable, connect: Callable[[], Airtable], copy: LocalCopy
) -> None:
    AirtableSource(connect, copy, lambda: NOW - timedelta(days=3)).pull()
    filled.take_calls()
    snapshot = AirtableSource(connect, copy, lambda: NOW).read_copy()
    assert snapshot.spec == copy.read()
    assert snapshot.origin == f'the local copy {copy.folder}, which is 3 days old'
    assert filled.take_calls() == []


def test_without_airtable_and_copy_the_error_tells_both(
    server: RunningAirtable, source: AirtableSource
) -> None:
    server.faults.inject(Fault.MONTHLY_LIMIT, times=100)
    with pytest.raises(DatabaseError, match=r'the calls of this month .* no local copy'):
        source.read()


def test_a_copy_with_an_unreadable_table_does_not_stand_in_for_airtable(
    filled: RunningAirtable, source: AirtableSource, copy: LocalCopy
) -> None:
    source.pull()
    path = copy.folder / 'apis.yaml'
    path.write_text('- [oops')
    filled.faults.inject(Fault.SERVER_ERROR, times=100)
    with pytest.raises(DatabaseError, match=f'Airtable.*; cannot read {path}: '):
        source.read()
    # At the start there is nothing better.
    assert source.read_copy().spec.problems
