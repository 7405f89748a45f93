from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from project import ROOT

from hos_device_layer.database.committed_folder import (
    KEPT_VERSIONS,
    CommittedFolder,
    version_time,
)

OLD = {'a.yaml': 'old a', 'b.yaml': 'old b', 'gone.yaml': 'old gone'}
NEW = {'a.yaml': 'new a', 'b.yaml': 'old b', 'more.yaml': 'new more'}

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def folder(tmp_path: Path) -> CommittedFolder:
    return CommittedFolder(tmp_path / 'copy', '.yaml', _clock().__next__)


def _clock() -> Iterator[datetime]:
    time = START
    while True:
        yield time
        time += timedelta(seconds=1)


def contents(folder: CommittedFolder) -> dict[str, str]:
    with folder.reading() as paths:
        return {path.name: path.read_text() for path in paths}


def test_a_set_replaces_the_one_before(folder: CommittedFolder) -> None:
    assert folder.replace(OLD)
    assert contents(folder) == OLD
    assert folder.replace(NEW)
    assert contents(folder) == NEW
    assert sorted(path.name for path in folder.folder.glob('*.yaml')) == sorted(NEW)


def test_the_set_before_is_kept(folder: CommittedFolder) -> None:
    folder.replace(OLD)
    folder.replace(NEW)

    (version,) = folder.versions()
    assert version_time(version) == START
    assert {path.name: path.read_text() for path in folder.version_files(version)} == OLD


def test_the_same_set_again_changes_nothing(folder: CommittedFolder) -> None:
    folder.replace(OLD)
    times = {path: path.stat().st_mtime_ns for path in folder.folder.iterdir()}
    assert not folder.replace(OLD)
    assert {path: path.stat().st_mtime_ns for path in folder.folder.iterdir()} == times
    assert folder.versions() == []


def test_what_a_person_edited_is_kept_too(folder: CommittedFolder) -> None:
    folder.replace(OLD)
    (folder.folder / 'a.yaml').write_text('by hand')
    folder.replace(NEW)
    (version,) = folder.versions()
    assert folder.version_files(version)[0].read_text() == 'by hand'


def test_other_files_are_left_alone(folder: CommittedFolder) -> None:
    folder.replace(OLD)
    (folder.folder / 'README.md').write_text('mine')
    folder.replace(NEW)
    assert (folder.folder / 'README.md').read_text() == 'mine'


def test_only_so_many_versions_are_kept(folder: CommittedFolder) -> None:
    for number in range(KEPT_VERSIONS + 3):
        folder.replace({'a.yaml': str(number)})
    versions = folder.versions()
    assert len(versions) == KEPT_VERSIONS
    assert folder.version_files(versions[0])[0].read_text() == str(KEPT_VERSIONS + 1)


def test_a_reader_sees_one_set_while_another_is_written(folder: CommittedFolder) -> None:
    folder.replace(OLD)
    with folder.reading() as paths:
        writer = threading.Thread(target=folder.replace, args=(NEW,))
        writer.start()
        seen = {path.name: path.read_text() for path in paths}
    writer.join(10)
    assert seen == OLD
    assert contents(folder) == NEW


# Replaces a set once for each thing that happens to a file meanwhile, and is killed just before.
KILLED_AT_EACH_STEP = """
import json, os, shutil, signal, sys
from pathlib import Path
from hos_device_layer.database.committed_folder import CommittedFolder

old, new, root = json.loads(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
steps_left = None

def count(event, arguments):
    global steps_left
    if steps_left is None or event.partition('.')[0] not in ('open', 'os', 'shutil', 'fcntl'):
        return
    steps_left -= 1
    if steps_left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
step = 0
while True:
    folder = CommittedFolder(root / str(step), '.yaml')
    folder.replace(old)
    child = os.fork()
    if child == 0:
        steps_left = step
        folder.replace(new)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    step += 1
    if status == 0:
        print(step)
        break
"""


# Some hundred processes, one after the other.
@pytest.mark.timeout(240)
def test_a_kill_at_any_step_leaves_a_complete_set(tmp_path: Path) -> None:
    output = subprocess.check_output(
        [sys.executable, '-c', KILLED_AT_EACH_STEP, json.dumps(OLD), json.dumps(NEW), tmp_path],
        cwd=ROOT,
    )
    steps = int(output)
    assert steps > 30

    outcomes = []
    for step in range(steps):
        folder = CommittedFolder(tmp_path / str(step), '.yaml')
        found = contents(folder)
        assert found in (OLD, NEW), step
        outcomes.append(found == NEW)
        # Nothing half-done is in the way of the next one.
        folder.replace({'a.yaml': 'next'})
        assert contents(folder) == {'a.yaml': 'next'}
        assert sorted(path.name for path in folder.state.iterdir()) == ['history']
    assert outcomes == sorted(outcomes), 'once it is the new set, it stays the new set'
    assert outcomes[0] is False
    assert outcomes[-1] is True


def test_a_folder_that_cannot_be_repaired_is_read_from_the_new_set(
    folder: CommittedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.replace(OLD)
    new = folder.state / 'commit' / 'new'
    new.mkdir(parents=True)
    for name, text in NEW.items():
        (new / name).write_text(text)

    def read_only(*_: object) -> None:
        raise PermissionError('read-only')

    monkeypatch.setattr(CommittedFolder, '_put_in_place', read_only)
    assert contents(folder) == NEW
