"""From an empty base to a call of a function that was edited in it, over HTTP and DDS."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import ROOT

from hos_device_layer.command_line import call, db
from hos_device_layer.command_line.ros_session import ros_session
from hos_device_layer.database import source
from hos_device_layer.database.airtable.rate_limiter import RequestPolicy
from hos_device_layer.services import DEVICE_CONNECTION_INFOS_SERVICE
from hos_device_layer.testing.airtable import Fault, RunningAirtable, running_airtable

PATIENCE_S = 150.0

# A command without options of ROS.
HERE = argparse.Namespace(ros_args=[], namespace='')
ASK_AGAIN_S = 2.0

Hos = Callable[..., int]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningAirtable]:
    # The limit itself is tested with a virtual clock.
    monkeypatch.setattr(
        source, 'RequestPolicy', lambda: RequestPolicy(requests=10_000, backoff_s=0.0)
    )
    with running_airtable() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / 'copy'


@pytest.fixture
def hos(copy: Path) -> Hos:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for command in (db, call):
        command.add_parser(subparsers)

    def hos(*arguments: str | Path) -> int:
        needs_folder = arguments[0] == 'db' and arguments[1] != 'reload'
        needs_folder = needs_folder and '--device-db' not in arguments
        options = ('--device-db', copy) if needs_folder else ()
        parsed = parser.parse_args([str(argument) for argument in (*arguments, *options)])
        return int(parsed.run(parsed))

    return hos


@pytest.fixture
def start(ros_domain_id: int, tmp_path: Path) -> Iterator[Callable[..., None]]:
    children = []
    log = (tmp_path / 'log').open('w')

    def start(module: str, *parameters: str) -> None:
        assigned = [item for parameter in parameters for item in ('-p', parameter)]
        children.append(
            subprocess.Popen(
                [sys.executable, '-m', f'hos_device_layer.{module}', '--ros-args', *assigned],
                cwd=ROOT,
                env={**os.environ, 'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'},
                stdout=log,
                stderr=log,
            )
        )

    with log:
        yield start
    sys.stdout.write((tmp_path / 'log').read_text())  # shown if the test fails
    for child in children:
        child.terminate()
    assert [child.wait(PATIENCE_S) for child in children] == [0] * len(children)


def wait_until(condition: Callable[[], bool]) -> None:
    with ros_session(HERE) as session:
        assert session.spin_until(condition, PATIENCE_S)


def wait_until_connected(device_id: str) -> None:
    from hos_interfaces.srv import DeviceConnectionInfos

    with ros_session(HERE) as session:
        client = session.node.create_client(DeviceConnectionInfos, DEVICE_CONNECTION_INFOS_SERVICE)

        def is_connected() -> bool:
            if not client.service_is_ready():
                return False
            # An answer is lost if its writer has not discovered the caller yet, so ask again.
            future = client.call_async(DeviceConnectionInfos.Request())
            return session.spin_until(future.done, ASK_AGAIN_S) and any(
                info.device_id == device_id for info in future.result().device_infos
            )

        assert session.spin_until(is_connected, PATIENCE_S)


# Two programs start, and each command has to discover them.
@pytest.mark.timeout(240)
def test_the_whole_cycle(
    server: RunningAirtable,
    hos: Hos,
    copy: Path,
    start: Callable[..., None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # Two commands give a new user a working base.
    assert hos('db', 'init', '--device-db', ROOT / 'device_db') == 0
    assert hos('db', 'push', '--device-db', ROOT / 'device_db') == 0
    assert 'fleet-demo: 11 added' in capfd.readouterr().out
    assert hos('db', 'pull') == 0
    assert hos('db', 'check') == 0
    assert 'P3001' in (copy / 'fleet-demo.yaml').read_text()

    settings = ('fleet:=demo', f'device_db_path:={copy}')
    start(
        'device_manager',
        *settings,
        'device_db:=airtable',
        f'state_folder:={tmp_path}',
        'gateway_enabled:=False',
    )
    start('testing.simulated_fleet', *settings, 'longest_s:=0.0')
    wait_until_connected('L8001')
    assert hos('call', 'L8001', 'light_blink', 'times=10') == 0
    capfd.readouterr()

    # Only now is the manager's first read no longer on its way.
    wait_until(lambda: 'specification from Airtable: ' in (tmp_path / 'log').read_text())

    # Somebody edits the spreadsheet, and the manager switches to the edited specification.
    server.set_cell('apis', 'light_blink', 'arguments', 'times:uint8 1..5')
    server.take_calls()
    assert hos('db', 'pull', '--apply') == 0
    changed = (
        "table 'apis', row 'light_blink', column 'arguments': changed from 'times:uint8 1..20'"
    )
    pulled, reloaded = capfd.readouterr().out.splitlines()
    assert pulled.startswith(changed)
    assert reloaded.startswith(f'from Airtable: 1 change: {changed}')
    assert len(server.take_calls()) == 2 * (1 + 6)

    assert hos('call', 'L8001', 'light_blink', 'times=10') == 1
    assert "'10' is outside 1..5" in ''.join(capfd.readouterr())
    assert hos('call', 'L8001', 'light_blink', 'times=5') == 0

    # Only the row with a mistake is rejected.
    capfd.readouterr()
    server.set_cell('apis', 'light_blink', 'arguments', 'times:unit8')
    assert hos('db', 'pull', '--apply') == 0
    assert "column 'arguments': rejected: 'times': unknown type" in capfd.readouterr().out
    assert hos('db', 'check', '--json') == 1
    assert hos('call', 'L8001', 'light_set', 'red=1', 'green=2', 'blue=3') == 0
    capfd.readouterr()
    assert hos('db', 'reload') == 0
    assert capfd.readouterr().out == 'from Airtable: nothing changed\n'

    # Everything still works without Airtable.
    capfd.readouterr()
    server.faults.inject(Fault.MONTHLY_LIMIT, times=1000)
    assert hos('db', 'pull') == 2
    assert 'the calls of this month are used up' in capfd.readouterr().err
    assert hos('call', 'L8001', 'light_set', 'red=1', 'green=2', 'blue=3') == 0

    # The previous copy is restored.
    assert hos('db', 'rollback') == 0
    assert "row 'light_blink': can be used again" in capfd.readouterr().out

    log = (tmp_path / 'log').read_text()
    assert 'specification from Airtable: 1 change' in log
    assert not any(secret in log for secret in server.environment.values() if 'http' not in secret)


def test_the_history_is_listed_and_rolled_back(
    server: RunningAirtable, hos: Hos, capfd: pytest.CaptureFixture[str]
) -> None:
    hos('db', 'init', '--fleet', 'one', '--device-db', ROOT / 'device_db')
    hos('db', 'pull')
    hos('db', 'init', '--fleet', 'two', '--device-db', ROOT / 'device_db')
    hos('db', 'pull')
    capfd.readouterr()
    assert hos('db', 'history') == 0
    (version,) = (
        word for word in capfd.readouterr().out.replace('│', ' ').split() if word.endswith('Z')
    )
    assert hos('db', 'rollback', version) == 0
    assert hos('db', 'rollback', 'no-such-version') == 2
    assert "unknown version 'no-such-version'" in capfd.readouterr().err


def test_an_error_is_one_line_without_a_secret(
    server: RunningAirtable, hos: Hos, capfd: pytest.CaptureFixture[str]
) -> None:
    for command in ('init', 'push', 'pull', 'check'):
        server.faults.inject(Fault.MONTHLY_LIMIT)
        assert hos('db', command, '--device-db', ROOT / 'device_db') == 2
        out, err = capfd.readouterr()
        assert out == ''
        assert err.count('\n') == 1
        assert 'Loopback' not in err


def test_problems_of_a_local_copy_need_no_network(
    server: RunningAirtable, hos: Hos, copy: Path
) -> None:
    assert hos('db', 'check', '--local-db', '--device-db', ROOT / 'device_db') == 0
    assert hos('db', 'check', '--local-db', '--write-back', '--device-db', ROOT / 'device_db') == 2
    copy.mkdir()
    (copy / 'apis.yaml').write_text('- function_name: [')
    assert hos('db', 'push') == 2
    assert server.take_calls() == []
