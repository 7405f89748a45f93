"""What the documents about devices show works as it is written there."""

from __future__ import annotations

import re
import subprocess
import sys

from manager_double import running_gateway
from peers import UID, Peer, serialized_command
from project import ROOT

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.dispatch.events import (
    CommandAnswered,
    Pinged,
    ResultReported,
    StreamSampled,
)
from hos_device_layer.core.rosbridge import close_reasons
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.events import Request
from hos_device_layer.core.rosbridge.messages import ConnectDeviceResponse
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import connection_guard, settings
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
        f'| refused frames | {limits.errors}, and {limits.errors_per_s:.0f} a second',
        f'| devices behind one connection | {limits.devices:,} |',
        f'| subscriptions | {limits.subscriptions:,} |',
        f'| unanswered calls | {limits.outstanding_calls:,} |',
        f'| connections | {default.max_connections:,} in all, '
        f'{default.max_connections_per_address:,} from one address, '
        f'{default.max_unauthenticated_per_address} without',
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
    for close in (
        close_reasons.NO_TOKEN,
        close_reasons.PEER_GONE,
        close_reasons.TOO_SLOW,
        close_reasons.WRONG_TOKEN,
    ):
        assert str(close.code) in text


def test_the_uid_of_the_sketch_is_that_of_the_guide() -> None:
    sketch = DOCUMENTS.parent / 'examples' / 'esp_device' / 'esp_device.ino'
    assert f'UID = {UID};' in sketch.read_text()
