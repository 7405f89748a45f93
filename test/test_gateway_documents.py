"""What the documents about devices show works as it is written there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from manager_double import running_gateway
from peers import UID, Peer, serialized_command
from project import ROOT

from hos_device_layer import manager_log
from hos_device_layer.command_line.__main__ import main
from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    Pinged,
    ResultReported,
    StreamSampled,
)
from hos_device_layer.core.rosbridge import Role, close_reasons, rate_limits, session
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import CloseReason
from hos_device_layer.core.rosbridge.events import Request
from hos_device_layer.core.rosbridge.messages import ConnectDeviceResponse
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import (
    TokenFile,
    bounded_log,
    connection_guard,
    descriptors,
    revocation,
    settings,
)
from hos_device_layer.links.gateway import websocket_connection as peer

DOCUMENTS = ROOT / 'docs'


def test_the_frames_of_a_microcontroller() -> None:
    text = (DOCUMENTS / 'esp_device.md').read_text()
    broker = Broker()
    device = Peer(broker)
    events, got = [], []
    for direction, frame in re.findall(r'^([<>]) (\{.*\})$', text, re.MULTILINE):
        if direction == '<':
            got.append(frame)
            continue
        events += device.says(frame)
        match events[-1:]:
            case [Request(_, call)]:
                device.session.answer(call, ConnectDeviceResponse(True))
            case [Pinged()]:
                broker.command(serialized_command())
    assert got == device.hears_text()
    assert [type(event) for event in events] == [
        Request,
        Pinged,
        CommandAnswered,
        ResultReported,
        StreamSampled,
    ]


def test_the_shortest_device() -> None:
    text = (DOCUMENTS / 'python_device.md').read_text()
    (program, *_) = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
    with running_gateway() as (gateway, manager):
        program = program.replace('ws://127.0.0.1:9091', f'ws://127.0.0.1:{gateway.port}')
        with subprocess.Popen([sys.executable, '-c', program]) as device:
            try:
                assert manager.next_event()[0] == 'connect'
                gateway.send(Command(1, 12600110, Function('balance_weigh'), (), None))
                events = {manager.next_event() for _ in range(3)}
                assert ('result', 12600110, 1, True, '', '{"mass":12.5,"stable":true}') in events
            finally:
                device.kill()


def test_the_bounds_are_as_documented() -> None:
    text = (DOCUMENTS / 'security.md').read_text()
    default = settings.GatewaySettings()
    limits = default.limits
    for shown in (
        f'| frame | {default.max_frame_bytes // 1024} KiB',
        f'| frames | {limits.frames_per_s:,.0f} a second',
        f'A frame counts once more for every {rate_limits.CHARACTERS_PER_FRAME:,} characters;',
        f'| refused frames | {limits.errors}, and {limits.errors_per_s:.0f} a second',
        f'| devices behind one connection | {limits.devices:,} |',
        f'| subscriptions | {limits.subscriptions:,} |',
        f'| unanswered calls | {limits.outstanding_calls:,} |',
        f'| connections | {default.max_connections:,} in all, '
        f'{default.max_connections_per_address:,} from one address.',
        f'| connections without a token yet | {default.max_unauthenticated:,} in all, '
        f'{default.max_unauthenticated_per_address} from one address |',
        f'| unread messages | {session.MAX_UNSENT / 1e6:.0f} MB;',
        f'| log | {bounded_log._LINES_PER_S} lines a second of each kind; of the device manager, '
        f'{manager_log._WARNINGS_PER_S} warnings and {manager_log._EVENTS_PER_S} connections and '
        'disconnections |',
        f'at least {descriptors._LEAST_RESERVE} files for ROS',
        f'closed within {revocation.CHECK_INTERVAL_S:.0f} s',
        f'| handshake | {connection_guard.HANDSHAKE_TIMEOUT_S:.0f} s |',
        f'| unfinished handshakes | {default.max_unfinished:,} in all, '
        f'{default.max_unfinished_per_address} from one address;',
        f'| HTTP | one request of {connection_guard.MAX_REQUEST_BYTES // 1024} KiB for each '
        f'connection; {connection_guard.RESPONSE_TIMEOUT_S:.0f} s for its answer |',
        f'{limits.control_frames_per_s:.0f} may be pings, pongs',
        f'at most {connection_guard.FRAMES_PER_TURN} frames before',
        f'within {peer.TOKEN_TIMEOUT_S:.0f} s',
    ):
        assert shown in text
    reasons = {r.code for r in vars(close_reasons).values() if isinstance(r, CloseReason)}
    # A peer that reads too slowly would not read the close frame.
    sent = reasons - {close_reasons.TOO_SLOW.code} | {1007, 1009}
    assert {int(code) for code in re.findall(r'^\| (\d{4}) \|', text, re.MULTILINE)} == sent


def test_the_token_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCUMENTS / 'security.md').read_text()
    commands = re.findall(r'^hos token (\w+)(.*?)(?:#.*)?$', text, re.MULTILINE)
    assert [command for command, _ in commands] == ['add', 'add', 'add', 'list', 'revoke']
    for command, rest in commands:
        file = ['--file', str(tmp_path / 'tokens.json')]
        assert main(['token', *file, command, *shlex.split(rest)]) == 0
    records = TokenFile(tmp_path / 'tokens.json').records()
    assert {(r.name, r.role, r.uids) for r in records} == {
        ('bay 2', Role.DEVICE, (*range(100, 120), 130)),
        ('shift', Role.OPERATOR, None),
    }


def test_the_uid_of_the_sketch_is_that_of_the_guide() -> None:
    sketch = DOCUMENTS.parent / 'examples' / 'esp_device' / 'esp_device.ino'
    assert f'UID = {UID};' in sketch.read_text()
