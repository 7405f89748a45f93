"""docs/reference/wire_protocol.md states what the code does."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator

import pytest
from project import ROOT

from hos_client.host import l1
from hos_client.host.drivers import l1 as l1_driver
from hos_device_layer.core.rosbridge import (
    close_reasons,
    device_channel,
    latched_samples,
    messages,
    rate_limits,
    session,
)
from hos_device_layer.core.rosbridge.access import Access, Role
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.close_reasons import CloseReason
from hos_device_layer.core.rosbridge.frames import Frame
from hos_device_layer.core.rosbridge.rate_limits import SessionLimits
from hos_device_layer.links.gateway import GatewaySettings, connection_guard, host_files
from hos_device_layer.links.gateway import websocket_connection as connection

PAGE = (ROOT / 'docs' / 'reference' / 'wire_protocol.md').read_text(encoding='utf-8')

SETTINGS = GatewaySettings()
LIMITS = SETTINGS.limits


def section(title: str) -> str:
    """Return the text of a section, up to the next title."""
    (text,) = re.findall(rf'^##+ {title}\n(.*?)(?=^##|\Z)', PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of the tables in a text, without their heads."""
    found = re.findall(r'(?:^\|.*\|\n)+', text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line[1:-1].split('|')] for line in table.splitlines()[2:]]
        for table in found
    ]


@pytest.mark.parametrize(
    'row',
    [
        f'| size of a frame | {SETTINGS.max_frame_bytes // 1024} KiB;',
        f'| frames | {LIMITS.frames_per_s:,.0f} per second;',
        f'A frame counts once more for every {rate_limits.CHARACTERS_PER_FRAME:,} characters.',
        f'It may have {rate_limits.MAX_AUTH_CHARACTERS:,} characters;',
        f'without names | {messages._MAX_POSITIONAL_VALUES:,} values',
        f'| refused frames | {LIMITS.errors}, and {LIMITS.errors_per_s:.0f} more per second;',
        f'| devices of one connection | {LIMITS.devices:,} |',
        f'| subscriptions of one connection | {LIMITS.subscriptions:,} |',
        f'that are advertised with `latch` | {latched_samples.MAX_TOPICS:,} |',
        f'unanswered calls: of one connection, and to one device | {LIMITS.outstanding_calls:,} |',
        f'| commands sent to a device and not settled | {device_channel.WINDOW} |',
        f'wait for `advertise_service` | {device_channel.MAX_WAITING} per device |',
        f'| text that waits to be sent | {session.MAX_UNSENT:,} characters;',
        f'| connections | {SETTINGS.max_connections:,}; '
        f'{SETTINGS.max_connections_per_address:,} from one address; '
        f'{SETTINGS.max_unauthenticated_per_address} from one address without a valid token, '
        f'{SETTINGS.max_unauthenticated:,} in all.',
        f'| pings, pongs and close frames | {LIMITS.control_frames_per_s:.0f} per second,',
        f'| connections that have not finished their handshake | {SETTINGS.max_unfinished:,}; '
        f'{SETTINGS.max_unfinished_per_address} from one address;',
        f'| HTTP request | {connection_guard.MAX_REQUEST_BYTES // 1024} KiB;',
        f'| HTTP response | {connection_guard.RESPONSE_TIMEOUT_S:.0f} s |',
        f'| TLS handshake and HTTP request | {connection_guard.HANDSHAKE_TIMEOUT_S:.0f} s |',
        f'| first `auth` frame | {connection.TOKEN_TIMEOUT_S:.0f} s;',
        f'| every {SETTINGS.ping_interval_s:.0f} s; a connection that is silent for '
        f'{1.5 * SETTINGS.ping_interval_s:g} s is',
    ],
)
def test_a_limit_of_the_gateway(row: str) -> None:
    assert row in section('Limits')


@pytest.mark.parametrize(
    'row',
    [
        f'| line | {l1.MAX_LINE} characters;',
        f'| values of one result | {l1.MAX_RESULT:,} characters |',
        f'unreadable bytes | {l1.GAP_S:g} s |',
        f'the command and {l1_driver.ANSWER_S:g} s;',
        f'with {l1_driver.BAUD_RATE} baud unless',
        f'(`0x{l1.LINE_END.hex().upper()}`)',
        f'| `{l1.RECEIVED:#04x}` (`{l1.RECEIVED:c}`) | the command was received |',
        f'| `{l1.WORKING:#04x}` (`{l1.WORKING:c}`) | the command is running |',
        f'| `{l1.DONE:#04x}` (`{l1.DONE:c}`) | the command is done |',
        f'| `{l1.FAILED:#04x}` (`{l1.FAILED:c}`) | the command has failed;',
    ],
)
def test_a_fact_of_l1(row: str) -> None:
    assert row in section('L1: serial lines')


def test_the_ops_and_their_fields() -> None:
    shown = {op.strip('`'): fields for op, _, fields, _ in tables(section('Frames'))[0]}
    frames = {frame.__struct_config__.tag: frame for frame in typing.get_args(Frame)}
    assert shown.keys() == frames.keys()
    for op, frame in frames.items():
        fields = set(frame.__struct_fields__) - {'id'}
        assert set(re.findall(r'`(\w+)`', shown[op])) - {'none'} == fields


def test_the_close_codes() -> None:
    reasons = [value for value in vars(close_reasons).values() if isinstance(value, CloseReason)]
    shown = {(int(code), reason) for code, reason in tables(section('Close codes'))[0]}
    # The library closes connections with these by itself.
    library = {
        (1002, 'a frame breaks other rules of the WebSocket protocol'),
        (1007, 'a text is not UTF-8'),
        (1009, 'a frame was too large'),
    }
    assert shown == {*reasons, *library}


def test_the_files_of_hosts() -> None:
    for name in (host_files.FLEET_FILE, host_files.HANDLERS_FILE):
        assert f'`{host_files.DOWNLOAD_PATH}{name}`' in section('Gateway: HTTP')


def refusal(role: Role, frame: str) -> str:
    """Send a frame as a peer of a role; returns why it was refused, '' if it was not."""
    access = Access(frozenset({role}), None, 'name')
    peer = Broker().open_session(
        access, '', lambda _: None, lambda: None, SessionLimits(), now=0.0
    )
    peer.receive(frame, 0.0)
    texts = iter(peer.outgoing.next_text, None)
    refusals = ('"level":"error"', '"result":false')
    return next((text for text in texts if any(r in text for r in refusals)), '')


FRAMES = {
    'publish': '{"op":"publish","topic":"NAME","msg":{"data":7,"uid":7,'
    '"cmd_id":1,"success":true}}',
    'publish a sample': '{"op":"publish","topic":"NAME","msg":{"uid":7,"data":"V1"}}',
    'subscribe': '{"op":"subscribe","topic":"NAME"}',
    'call': '{"op":"call_service","service":"NAME","args":{"uid":7,"device_id":"a",'
    '"function_name":"b"}}',
    'serve': '{"op":"advertise_service","service":"NAME"}',
}


def permissions() -> Iterator[tuple[str, str, Role, bool]]:
    """Yield an action, a name, a role and whether the page allows it, for each cell."""
    topics, services = tables(section('What a peer may use'))
    for rows, actions in ((topics, ('publish', 'subscribe')), (services, ('call', 'serve'))):
        for names, *cells in rows:
            for name in re.findall(r'`([^`]+)`', names):
                full = name.replace('…', 'haive_os/device').replace('{uid}', '7')
                full = full.replace('{stream_name}', 'x')
                for action, cell in zip(actions, cells):
                    for role in Role:
                        yield action, full, role, role.value in cell.split(', ')


@pytest.mark.parametrize(('action', 'name', 'role', 'allowed'), list(permissions()))
def test_who_may_use_what(action: str, name: str, role: Role, allowed: bool) -> None:
    kind = 'publish a sample' if action == 'publish' and '/stream/' in name else action
    assert (refusal(role, FRAMES[kind].replace('NAME', name)) == '') is allowed


def test_the_page_gives_every_permission() -> None:
    assert len(list(permissions())) == 3 * 2 * (8 + 5)
