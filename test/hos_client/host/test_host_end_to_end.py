"""From a call in ROS to the bytes on a pty and back: manager, gateway, host."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_process import Program, run
from project import ROOT, SAMPLE_DB

from hos_client.host.capture import read_recording
from hos_device_layer.command_line import up
from hos_device_layer.testing.serial_device import L1Board, SerialBench

MANAGER = 'hos_device_layer.device_manager'
HOST = 'hos_client.host'
HOS = 'hos_device_layer.command_line'

FLEET = """
- device_id: K6101
  device_uid: 10800023
  device_type: Shaker
  serial_info: shaker
- device_id: W5101
  device_uid: 12630001
  device_type: Balance
  serial_info: usb-Scale_0417
  baud_rate: 9600
"""


def python_blocks() -> dict[str, str]:
    """Return the files of the guide by name."""
    text = (ROOT / 'docs' / 'drivers.md').read_text()
    return dict(re.findall(r'`(\S+\.py)`\n\n```python\n(.*?)```', text, re.DOTALL))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / 'shelf'
    folder.mkdir()
    return folder


@pytest.fixture
def manager(tmp_path: Path, shelf: Path) -> Iterator[Program]:
    """A manager whose hosts discover ports in a folder, with the interface of the guide."""
    device_db = tmp_path / 'device_db'
    shutil.copytree(ROOT / 'device_db', device_db)
    (device_db / 'fleet-bench.yaml').write_text(FLEET)
    for path in ('fleet-demo.yaml', 'fleet-lab.yaml'):
        (device_db / path).unlink()
    interface = device_db / 'handlers' / 'interfaces' / 'shelf.py'
    interface.parent.mkdir(parents=True)
    interface.write_text(python_blocks()['interfaces/shelf.py'].replace('/tmp/shelf', str(shelf)))
    parameters = {
        'fleet': 'bench',
        'device_db_path': device_db,
        'state_folder': tmp_path / 'manager',
        'gateway_port': 0,
    }
    options = [part for item in parameters.items() for part in ('-p', '{}:={}'.format(*item))]
    with Program(MANAGER, '--ros-args', *options) as manager:
        manager.wait_for(r'gateway: ws://\S+')
        yield manager
    assert manager.process.returncode == 0 and 'Traceback' not in manager.output


def call(device_id: str, function_name: str, *arguments: str) -> Any:
    code, output = run(HOS, 'call', '--json', device_id, function_name, *arguments)
    assert code == 0, output
    return json.loads(output.splitlines()[-1])


class Scale:
    """The scale of the guide."""

    def plugged(self) -> Any:
        return ()

    def receive(self, data: bytes) -> Any:
        for byte in data:
            yield 0.0, b'G 12.50\r\n' if byte == ord('W') else b'?\r\n'


# Starts a dozen programs, each of which waits for the others.
@pytest.mark.timeout(240)
def test_from_ros_to_the_serial_port_and_the_driver_of_the_guide(
    tmp_path: Path, shelf: Path, manager: Program
) -> None:
    url = manager.wait_for(r'gateway: (ws://\S+)')[1]
    handlers, recording, state = (tmp_path / name for name in ('mine', 'recording', 'state'))
    (handlers / 'drivers').mkdir(parents=True)
    options = ['--url', url, '--handlers', str(handlers), '--state', str(state)]
    options.append('--no-network')
    board = L1Board({'I': 'V1.2V7'})
    with SerialBench() as bench, Program(HOST, *options, '--capture', str(recording)) as host:
        shaker = bench.plug(board, link=shelf / 'shaker')
        host.wait_for(r'K6101 .* is ready, with L1Driver')
        manager.wait_for(r'K6101 .*: connected')
        assert call('K6101', 'device_identify') == {'firmware': '1.2', 'restarts': 7}
        assert board.commands == ['I']

        # The balance is one of JSON lines until the driver is written as the guide says.
        bench.plug(Scale(), link=shelf / 'usb-Scale_0417')
        host.wait_for(r'W5101 .* is ready, with JsonLinesDriver')
        driver = handlers / 'drivers' / 'scale.py'
        driver.write_text(python_blocks()['drivers/scale.py'])
        host.wait_for(r'W5101 .* is ready, with Scale')
        manager.wait_for(r'W5101 .*: reconnected')
        assert call('W5101', 'balance_weigh') == {'mass': 12.5, 'stable': True}

        # Unplugged: the manager knows at once; plugged in again it is there again.
        bench.unplug(shaker)
        manager.wait_for(r'K6101 .*: timeout')
        bench.plug(L1Board({'I': 'V2.0V8'}), link=shelf / 'shaker')
        manager.wait_for(r'K6101 .*: reconnected')
        assert call('K6101', 'device_identify') == {'firmware': '2.0', 'restarts': 8}

        assert run(HOST, '--reload', '--state', str(state)) == (0, '')
        host.wait_for(r'the drivers have changed')
        code, output = run(HOST, *options)
        assert code == 2 and 'a host is already running' in output
    assert host.process.returncode == 0 and 'Traceback' not in host.output, host.output
    pieces = list(read_recording(recording.read_text().splitlines()))
    sent = b''.join(piece.data for piece in pieces if piece.direction == '>')
    assert b'I\n' in sent and b'W' in sent


def test_reload_without_a_host_is_an_error(tmp_path: Path) -> None:
    code, output = run(HOST, '--reload', '--state', str(tmp_path))
    assert code == 2 and 'no host is running with the state folder' in output


def test_the_command_line_passes_options_on() -> None:
    code, output = run(HOS, 'host', '--help')
    assert code == 0 and 'usage: hos host' in output and '--capture' in output


def test_up_runs_a_host_beside_the_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(
        up, '_supervise', lambda manager, others, port: started.extend([manager, *others]) or 0
    )
    parser = argparse.ArgumentParser()
    up.add_parser(parser.add_subparsers())

    def hosts(*options: str) -> int:
        started.clear()
        options = ('up', '--device-db', str(SAMPLE_DB), *options)
        arguments = parser.parse_args(options)
        assert arguments.run(arguments) == 0
        return sum('host' in command for command in started)

    assert hosts() == 1 and started[-1][-1].startswith('ws://127.0.0.1:')
    assert hosts('--no-host') == 0
    assert hosts('--simulate') == 0
    assert hosts('--simulate', '--host') == 1
