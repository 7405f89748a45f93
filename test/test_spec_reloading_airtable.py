"""A device manager that reads its specification from Airtable, over HTTP and DDS."""

from __future__ import annotations

import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manager_process import MANAGER, Program
from project import SAMPLE_DB
from rclpy.task import Future
from reloading_manager import D1, D2, ManagerInProcess, tables
from std_srvs.srv import Trigger

from hos_device_layer import services, spec_reloading
from hos_device_layer.database import LocalCopy, source
from hos_device_layer.database.airtable.init import init_base
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.push import push_tables
from hos_device_layer.database.airtable.rate_limiter import RequestPolicy
from hos_device_layer.database.source import Snapshot
from hos_device_layer.testing.airtable import Fault, RunningAirtable, running_airtable


@pytest.fixture
def copy(tmp_path: Path) -> LocalCopy:
    return LocalCopy(tmp_path / 'copy')


class Gate:
    """Holds a request to Airtable back from `close` until `open`."""

    def __init__(self, server: RunningAirtable) -> None:
        self._server = server
        self._is_open = threading.Event()
        self.is_reached = threading.Event()

    def close(self) -> None:
        self._server.faults.before(self._wait)

    def open(self) -> None:
        self._is_open.set()

    def _wait(self) -> None:
        self.is_reached.set()
        self._is_open.wait()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningAirtable]:
    with running_airtable() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def filled(server: RunningAirtable, monkeypatch: pytest.MonkeyPatch) -> RunningAirtable:
    """An Airtable whose base has the devices D1 and D2."""
    quick = RequestPolicy(requests=10_000, attempts=1)
    monkeypatch.setattr(spec_reloading, '_POLICY', quick)
    airtable = source.open_airtable(policy=quick)
    init_base(airtable, RememberedIds(), ['fleet-a'])
    push_tables(airtable, tables([D1, D2]), RememberedIds())
    return server


@pytest.fixture
def gate(filled: RunningAirtable) -> Iterator[Gate]:
    gate = Gate(filled)
    yield gate
    gate.open()


@pytest.fixture
def start(copy: LocalCopy) -> Iterator[Callable[..., ManagerInProcess]]:
    managers = []

    def start(interval_s: float = 0.0) -> ManagerInProcess:
        managers.append(ManagerInProcess(copy.folder, 'airtable', interval_s))
        return managers[-1]

    yield start
    for manager in managers:
        manager.end()


def is_known(running: ManagerInProcess, device_id: str) -> Callable[[], bool]:
    return lambda: device_id in running.manager.dispatcher.devices


def test_a_manager_works_with_the_local_copy_until_airtable_answers(
    start: Callable[..., ManagerInProcess], gate: Gate, copy: LocalCopy
) -> None:
    copy.write(tables([D1]))
    gate.close()
    running = start()
    running.until(gate.is_reached.is_set)
    assert running.connect(1).success
    task_id = running.call().task_id
    assert not running.connect(2).success
    assert running.findings() == (
        'reading the specification from Airtable; until then, using the local copy '
        f'{copy.folder}, which is less than a minute old'
    )
    gate.open()
    running.until(lambda: ('connected', 'D2') in running.events)
    assert running.findings() == ''
    running.report(task_id, {'x': 5})
    running.until(lambda: running.results)
    assert running.results[0].success


def test_without_a_local_copy_the_first_specification_is_that_of_airtable(
    start: Callable[..., ManagerInProcess], gate: Gate, copy: LocalCopy
) -> None:
    gate.close()
    running = start()
    running.until(gate.is_reached.is_set)
    assert not running.connect(1).success
    assert 'every device is unknown, because there is no local copy' in running.findings()
    gate.open()
    running.until(lambda: ('connected', 'D1') in running.events)
    assert copy.read() == running.manager.dispatcher.spec


def test_a_request_during_the_first_read_is_answered_after_it(
    start: Callable[..., ManagerInProcess], gate: Gate
) -> None:
    gate.close()
    running = start()
    running.until(gate.is_reached.is_set)
    client = running.node.create_client(Trigger, services.DEVICE_DB_RELOAD_SERVICE)
    running.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    gate.open()
    running.until(answer.done)
    assert answer.result().success
    assert answer.result().message == 'from Airtable: nothing changed'


def test_an_airtable_that_cannot_be_read_is_not_reported_as_read(
    start: Callable[..., ManagerInProcess], filled: RunningAirtable, copy: LocalCopy
) -> None:
    copy.write(tables([D1]))
    filled.faults.inject(Fault.MONTHLY_LIMIT, times=2)
    running = start()
    running.until(lambda: 'calls of this month' in running.findings())
    answer = running.reload()
    assert not answer.success
    assert answer.message.startswith('Airtable refused the request: the calls of this month')
    assert answer.message.endswith('which is less than a minute old: nothing changed')
    assert f'using the local copy {copy.folder}' in answer.message
    assert running.manager.dispatcher.devices.keys() == {'D1'}
    # Airtable answers again.
    answer = running.reload()
    assert answer.success
    assert answer.message == "from Airtable: 1 change: table 'fleet-a', row 'D2': added"
    assert running.findings() == ''


def test_a_read_only_installation_runs_what_airtable_says(
    start: Callable[..., ManagerInProcess], filled: RunningAirtable, copy: LocalCopy
) -> None:
    copy.write(tables([D1]))
    shutil.rmtree(copy.folder / '.hos')
    (copy.folder / '.hos').write_text('')
    running = start()
    running.until(is_known(running, 'D2'))
    assert f'cannot write the local copy {copy.folder}' in running.findings()
    answer = running.reload()
    assert answer.success
    assert answer.message.startswith('from Airtable: nothing changed. cannot write the local copy')
    # It is newer than the copy.
    filled.faults.inject(Fault.MONTHLY_LIMIT)
    answer = running.reload()
    assert not answer.success
    assert 'using Airtable, read less than a minute ago: nothing changed' in answer.message
    assert running.manager.dispatcher.devices.keys() == {'D1', 'D2'}


def test_a_followed_base_is_reloaded_after_a_change(
    start: Callable[..., ManagerInProcess], filled: RunningAirtable
) -> None:
    running = start(0.05)
    running.until(is_known(running, 'D1'))
    filled.set_cell('fleet-a', 'D1', 'device_uid', 7)
    running.until(lambda: running.manager.dispatcher.devices['D1'].uid == 7)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_manager_that_waits_for_airtable(
    tmp_path: Path, number: signal.Signals
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as silent:
        program = Program(
            MANAGER,
            device_db='airtable',
            device_db_path=SAMPLE_DB,
            device_db_follow_interval_s=60,
            state_folder=tmp_path,
            gateway_port=0,
            environment={
                'AIRTABLE_API_KEY': 'pat',
                'AIRTABLE_BASE_ID': 'app',
                'AIRTABLE_ENDPOINT_URL': f'http://127.0.0.1:{silent.getsockname()[1]}',
            },
        )
        try:
            connection, _ = silent.accept()
            with connection:
                program.wait_for_output('11 devices expected')
                program.stop(number)
        finally:
            program.end()
    assert 'reading the specification from Airtable; until then, using the local' in program.output


def count_reads(running: ManagerInProcess, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with each read of Airtable that begins."""
    reads: list[None] = []
    airtable = running.manager._reloading.source
    read = airtable.read

    def counted() -> Snapshot:
        reads.append(None)
        return read()

    monkeypatch.setattr(airtable, 'read', counted)
    return reads


def ask_for_reloads(running: ManagerInProcess, count: int) -> list[Future]:
    """Ask for reloads, and return when the manager has received all of them."""
    client = running.node.create_client(Trigger, services.DEVICE_DB_RELOAD_SERVICE)
    running.until(client.service_is_ready)
    answers = [client.call_async(Trigger.Request()) for _ in range(count)]
    running.until(lambda: running.manager._reloading._requests.qsize() == count)
    return answers


def test_all_who_ask_during_a_read_that_fails_are_told_so_when_it_ends(
    start: Callable[..., ManagerInProcess],
    gate: Gate,
    filled: RunningAirtable,
    copy: LocalCopy,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    copy.write(tables([D1]))
    gate.close()
    filled.faults.inject(Fault.MONTHLY_LIMIT)
    running = start()
    running.until(gate.is_reached.is_set)
    reads = count_reads(running, monkeypatch)
    answers = ask_for_reloads(running, 3)
    assert 'a request to reload waits for Airtable' in capfd.readouterr().err
    gate.open()
    running.until(lambda: all(answer.done() for answer in answers))
    for answer in answers:
        assert not answer.result().success
        assert 'calls of this month' in answer.result().message
    assert reads == []
    # Airtable answers again.
    assert running.reload().success


def test_all_who_ask_during_a_read_share_the_next_one(
    start: Callable[..., ManagerInProcess], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.close()
    running = start()
    running.until(gate.is_reached.is_set)
    reads = count_reads(running, monkeypatch)
    answers = ask_for_reloads(running, 3)
    gate.open()
    running.until(lambda: all(answer.done() for answer in answers))
    assert all(answer.result().success for answer in answers)
    assert len(reads) == 1


def test_who_asks_before_the_first_read_begins_is_answered_by_it(
    start: Callable[..., ManagerInProcess], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.close()
    # Following begins before it.
    running = start(60.0)
    running.until(gate.is_reached.is_set)
    reads = count_reads(running, monkeypatch)
    (answer,) = ask_for_reloads(running, 1)
    gate.open()
    running.until(answer.done)
    assert answer.result().success
    assert len(reads) == 1
    assert is_known(running, 'D2')()


def test_a_silent_airtable_is_given_up_while_somebody_waits() -> None:
    policy = spec_reloading._POLICY
    silent_s = policy.attempts * policy.read_timeout_s + policy.backoff_s
    assert silent_s < 60.0
