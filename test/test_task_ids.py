import itertools
import signal
import subprocess
import sys

import pytest

from hos_device_layer import task_ids as module
from hos_device_layer.core.errors import HosError
from hos_device_layer.task_ids import BLOCK_SIZE, FILE_NAME, TaskIds, TaskIdsError, state_folder

LAST = 2**32 - 1

# A manager that uses up ids until it is told to stop, or until the end of its count. It prints
# each id before it takes the next, as a manager that sends each before the next call.
MANAGER = """
import itertools, sys
from pathlib import Path
from hos_device_layer import task_ids as module
module.BLOCK_SIZE = 3
folder, count = Path(sys.argv[1]), int(sys.argv[2])
print('ready', flush=True)
sys.stdin.readline()
ids = module.TaskIds(folder)
for task_id in itertools.islice(ids, count or None):
    print(task_id, flush=True)
"""


def start_manager(folder, count=0):
    process = subprocess.Popen(
        [sys.executable, '-c', MANAGER, str(folder), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'ready\n'
    return process


def begin(process):
    process.stdin.write('\n')
    process.stdin.flush()


def take(ids, count):
    return list(itertools.islice(ids, count))


def write(folder, text):
    (folder / FILE_NAME).write_text(text)


def test_ids_begin_at_one_and_count_on(tmp_path):
    assert take(TaskIds(tmp_path / 'new' / 'folder'), 5) == [1, 2, 3, 4, 5]


def test_ids_continue_after_the_end_of_a_block(tmp_path):
    ids = take(TaskIds(tmp_path), 2 * BLOCK_SIZE)
    assert ids == list(range(1, 2 * BLOCK_SIZE + 1))


def test_ids_are_not_reused_after_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'BLOCK_SIZE', 10)
    used = [
        task_id for count in (1, 9, 10, 11, 25, 0, 1) for task_id in take_anew(tmp_path, count)
    ]
    assert len(set(used)) == len(used)
    assert used == sorted(used)


def take_anew(folder, count):
    return take(TaskIds(folder), count)


def test_several_managers_at_once_share_no_id(tmp_path):
    managers = [start_manager(tmp_path, 300) for _ in range(4)]
    for manager in managers:
        begin(manager)
    used = []
    for manager in managers:
        output, _ = manager.communicate()
        assert manager.returncode == 0
        used.append([int(line) for line in output.split()])
    assert [len(ids) for ids in used] == [300] * 4
    assert len(set(itertools.chain(*used))) == 4 * 300


def test_ids_are_not_reused_after_managers_are_killed(tmp_path):
    used = []
    for run in range(8):
        managers = [start_manager(tmp_path) for _ in range(2)]
        for manager in managers:
            begin(manager)
        for manager in managers:
            lines = [manager.stdout.readline() for _ in range(20 + 7 * run)]
            manager.send_signal(signal.SIGKILL)
            # Not communicate(): it skips what readline() has read ahead.
            rest = manager.stdout.read()
            assert manager.wait() == -signal.SIGKILL
            manager.stdin.close()
            manager.stdout.close()
            # The last line may have been cut.
            complete = (''.join(lines) + rest).split('\n')[:-1]
            used += [int(line) for line in complete]
    assert len(used) > 8 * 2 * 20
    assert len(set(used)) == len(used)


def test_ids_start_again_after_the_last_one(tmp_path):
    write(tmp_path, f'{LAST - 1:010}')
    ids = take(TaskIds(tmp_path), 4)
    assert ids[:2] == [LAST - 1, LAST]
    assert ids[2] < ids[3] < BLOCK_SIZE
    assert 0 not in ids


def test_no_id_is_zero_or_too_large_wherever_the_last_block_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'BLOCK_SIZE', 5)
    for start in range(LAST - 12, LAST + 1):
        write(tmp_path, f'{start:010}')
        ids = take(TaskIds(tmp_path), 20)
        assert all(1 <= task_id <= LAST for task_id in ids)
        assert len(set(ids)) == 20


@pytest.mark.parametrize('content', ['', '0', '0000000000', '7\n', '0000000007'])
def test_a_file_that_was_created_or_edited_by_hand_is_read(tmp_path, content):
    write(tmp_path, content)
    assert take(TaskIds(tmp_path), 1) == [int(content or 0) or 1]


@pytest.mark.parametrize('content', ['abc', '12 34', '\0' * 10, '1e5', 'é', '-000000005', '1_000'])
def test_a_damaged_file_is_named_and_not_changed(tmp_path, content):
    write(tmp_path, content)
    with pytest.raises(TaskIdsError) as caught:
        TaskIds(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert 'remove' in str(caught.value)
    assert (tmp_path / FILE_NAME).read_text() == content


def test_a_number_that_is_too_large_is_reported_as_damage(tmp_path):
    write(tmp_path, str(LAST + 1))
    with pytest.raises(TaskIdsError, match='damaged'):
        TaskIds(tmp_path)


def test_a_folder_that_cannot_be_used_is_named_with_the_parameter_to_set(tmp_path):
    (tmp_path / 'taken').write_text('a file')
    with pytest.raises(TaskIdsError) as caught:
        TaskIds(tmp_path / 'taken')
    assert str(tmp_path / 'taken') in str(caught.value)
    assert 'state_folder' in str(caught.value)
    assert isinstance(caught.value, (HosError, OSError))


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(TaskIdsError, match=FILE_NAME):
        TaskIds(tmp_path)


def test_a_folder_that_becomes_unusable_is_reported_with_the_next_block(tmp_path):
    ids = TaskIds(tmp_path)
    assert len(take(ids, BLOCK_SIZE - 1)) == BLOCK_SIZE - 1
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    for _ in range(3):
        with pytest.raises(TaskIdsError, match=FILE_NAME):
            next(ids)


def test_ids_go_on_when_the_folder_can_be_used_again(tmp_path):
    ids = TaskIds(tmp_path)
    used = take(ids, BLOCK_SIZE - 1)
    (tmp_path / FILE_NAME).rename(tmp_path / 'aside')
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(TaskIdsError):
        next(ids)
    (tmp_path / FILE_NAME).rmdir()
    (tmp_path / 'aside').rename(tmp_path / FILE_NAME)
    assert next(ids) == used[-1] + 1


@pytest.mark.parametrize(
    ('ros_home', 'start'), [('/srv/ros', '/srv/ros'), ('', None), (None, None)]
)
def test_the_state_is_kept_in_ros_home(monkeypatch, tmp_path, ros_home, start):
    monkeypatch.setenv('HOME', str(tmp_path))
    if ros_home is None:
        monkeypatch.delenv('ROS_HOME', raising=False)
    else:
        monkeypatch.setenv('ROS_HOME', ros_home)
    assert str(state_folder()) == f'{start or tmp_path / ".ros"}/hos_device_layer'
