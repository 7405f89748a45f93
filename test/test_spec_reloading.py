"""Another specification for a running device manager, over DDS."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reloading_manager import D1, D2, GO, ManagerInProcess, tables
from std_srvs.srv import Trigger

from hos_device_layer import services
from hos_device_layer.core.dispatch.events import SpecReplaced
from hos_device_layer.database import LocalCopy


@pytest.fixture
def copy(tmp_path: Path) -> LocalCopy:
    return LocalCopy(tmp_path / 'copy')


@pytest.fixture
def running(copy: LocalCopy) -> Iterator[ManagerInProcess]:
    copy.write(tables([D1]))
    running = ManagerInProcess(copy.folder, 'local')
    answer = running.connect(1)
    assert answer.success, answer.error
    yield running
    running.end()


def test_a_reload_without_a_change_says_so(running: ManagerInProcess) -> None:
    answer = running.reload()
    assert answer.success
    assert answer.message.endswith(': nothing changed')


def test_a_running_task_keeps_the_definition_it_started_with(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    old = running.call().task_id
    running.until(lambda: running.commands)
    copy.write(tables([D1], {**GO, 'results': ['y:string']}))
    message = running.reload().message
    assert message.endswith(
        "1 change: table 'apis', row 'go', column 'results': changed from 'x:int32' to 'y:string'"
    )

    new = running.call().task_id
    running.report(old, {'x': 5})
    running.report(new, {'y': 'five'})
    running.until(lambda: len(running.results) == 2)
    assert [(r.task_id, r.success, json.loads(r.result_jsons)) for r in running.results] == [
        (old, True, {'x': 5}),
        (new, True, {'y': 'five'}),
    ]


def test_a_waiting_device_is_connected_when_its_row_is_added(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    refused = running.connect(2)
    assert not refused.success
    assert "add it to the table 'fleet-a'" in refused.error
    copy.write(tables([D1, D2]))
    assert "row 'D2': added" in running.reload().message
    running.until(lambda: ('connected', 'D2') in running.events)


@pytest.mark.parametrize('table', ['apis', 'fleet-a'])
@pytest.mark.parametrize('text', ['- [oops', 'x: y', 'a\0b'], ids=['syntax', 'no list', 'NUL'])
def test_a_table_that_cannot_be_read_changes_nothing(
    running: ManagerInProcess, copy: LocalCopy, table: str, text: str
) -> None:
    path = copy.folder / f'{table}.yaml'
    rows = path.read_text()
    path.write_text(text)
    answer = running.reload()
    assert not answer.success
    assert answer.message.startswith('the specification was not changed: ')
    assert str(path) in answer.message
    assert answer.message.endswith(f'; still running: the local copy {copy.folder}')
    # The device is connected, and has its function.
    assert running.call().is_valid

    path.write_text(rows)
    answer = running.reload()
    assert (answer.success, answer.message[-17:]) == (True, ': nothing changed')
    assert running.events == [('connected', 'D1')]


def test_a_removed_device_is_disconnected_with_the_reason(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    task_id = running.call().task_id
    copy.write(tables([D2]))
    assert "row 'D1': removed" in running.reload().message
    running.until(lambda: running.results and ('disconnected', 'D1') in running.events)
    (result,) = running.results
    assert (result.task_id, result.success) == (task_id, False)
    assert 'its row in the fleet was changed' in result.error


def test_the_valid_rows_of_a_specification_with_problems_are_used(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    assert not running.connect(2).success
    copy.write(tables([D1, D2], {**GO, 'results': ['x:int33']}))
    message = running.reload().message
    assert "row 'go', column 'results': rejected: " in message
    assert "row 'D2': added" in message
    assert "unknown type 'int33'" in running.call().error


def test_a_specification_that_cannot_be_read_changes_nothing(
    running: ManagerInProcess, copy: LocalCopy
) -> None:
    copy.folder.rename(copy.folder.with_name('elsewhere'))
    answer = running.reload()
    assert not answer.success
    assert answer.message.startswith('the specification was not changed: there is no local copy')
    assert running.call().is_valid


def test_the_manager_is_one_node(running: ManagerInProcess) -> None:
    # `ros2 param list` waits for the parameter services of every node.
    nodes = running.node.get_node_names_and_namespaces()
    own = [name for name, namespace in nodes if namespace == '/' and 'device_manager' in name]
    assert own == ['device_manager']


def test_a_specification_that_cannot_be_applied_is_not_reported_as_applied(
    running: ManagerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError('in the connections')

    monkeypatch.setattr(running.manager.dispatcher.connections, 'replace_fleet', fail)
    running.manager.dispatcher._handlers[SpecReplaced] = fail
    answer = running.reload()
    assert not answer.success
    assert "could not be applied completely: ZeroDivisionError('in the connections')" in (
        answer.message
    )
    assert 'could not be applied' in running.findings()


def test_an_unexpected_error_leaves_no_request_without_an_answer(
    running: ManagerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError('in the source')

    with monkeypatch.context() as patch:
        patch.setattr(running.manager._reloading.source, 'read', fail)
        answer = running.reload()
        assert not answer.success
        assert "ZeroDivisionError('in the source')" in answer.message
    assert running.reload().success


def test_a_request_that_the_manager_does_not_live_to_see_is_refused_and_not_applied(
    running: ManagerInProcess, copy: LocalCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    read = running.manager._reloading.source.read

    def read_slowly() -> Any:
        reading.set()
        go_on.wait()
        return read()

    monkeypatch.setattr(running.manager._reloading.source, 'read', read_slowly)
    copy.write(tables([D1, D2]))
    client = running.node.create_client(Trigger, services.DEVICE_DB_RELOAD_SERVICE)
    running.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    running.until(reading.is_set)
    running.manager._reloading.stop()
    go_on.set()
    running.manager._reloading._thread.join()
    running.until(answer.done)
    assert (answer.result().success, answer.result().message) == (
        False,
        'the device manager is stopping',
    )
    assert running.manager.dispatcher.devices.keys() == {'D1'}
