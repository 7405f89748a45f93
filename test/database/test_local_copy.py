from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest
from project import SAMPLE_DB

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database import LocalCopy
from hos_device_layer.database.local_copy import is_file_name, table_text


@pytest.fixture
def copy(tmp_path: Path) -> LocalCopy:
    shutil.copytree(SAMPLE_DB, tmp_path / 'copy')
    return LocalCopy(tmp_path / 'copy')


def test_the_sample_is_sound_and_written_as_it_is_read(copy: LocalCopy) -> None:
    assert copy.read().problems == ()
    tables, problems = copy.read_tables()
    assert problems == []
    assert not copy.write(tables)


def test_a_table_file_is_sorted_and_leaves_out_what_is_empty() -> None:
    rows = [
        {'device_type': 'B', 'device_role': '', 'serialized_api': False, 'unknown': 1},
        {'device_type': 'A', 'serialized_api': True},
        {'unknown': 'a row of which nothing is known'},
    ]
    assert table_text('devices', rows) == (
        "# Table 'devices' of the device specification.\n\n"
        '- device_type: A\n  serialized_api: true\n\n'
        '- device_type: B\n'
    )


def test_rollback_brings_back_the_copy_before_and_can_be_undone(copy: LocalCopy) -> None:
    tables, _ = copy.read_tables()
    copy.write({**tables, 'streams': []})
    (version,) = copy.history()
    assert copy.read().streams == {}

    copy.rollback(version)
    assert len(copy.read().streams) == len(tables['streams'])

    copy.rollback(copy.history()[0])
    assert copy.read().streams == {}


def test_a_version_can_be_read(copy: LocalCopy) -> None:
    before = copy.read()
    copy.write({'devices': []})
    assert copy.read_version(copy.history()[0]) == before


def test_a_broken_file_is_a_problem_of_its_table(copy: LocalCopy) -> None:
    (copy.folder / 'streams.yaml').write_text('- stream: [')
    (copy.folder / 'apis.yaml').write_bytes(b'\xff\xfe')
    spec = copy.read()
    assert {p.table for p in spec.problems} >= {'streams', 'apis'}
    assert len(spec.fleets['demo']) == 11


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r'no local copy .*hos db pull'):
        LocalCopy(tmp_path / 'nowhere').read()


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatabaseError, match='cannot write the local copy'):
        LocalCopy(tmp_path / 'file').write({'devices': []})


@pytest.mark.parametrize('table', ['fleet-a/b', '../fleet-a', '.hidden', '', 'fleet-' + 'x' * 300])
def test_a_table_cannot_leave_the_folder(tmp_path: Path, table: str) -> None:
    assert not is_file_name(table)
    with pytest.raises(DatabaseError, match='a file cannot have'):
        LocalCopy(tmp_path / 'copy').write({table: []})
    assert list(tmp_path.iterdir()) == []


def test_the_time_of_a_copy_is_that_of_its_latest_file(copy: LocalCopy) -> None:
    before = datetime.now(timezone.utc)
    (copy.folder / 'devices.yaml').touch()
    assert abs((copy.changed() - before).total_seconds()) < 60
