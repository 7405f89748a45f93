"""
Peers that attack a gateway as fast as they can, on several connections.

Usage: hostile_peers ATTACK PORT. Prints `attacking` when it has begun, and ends with its standard
input. Their priority is the lowest, because real ones run on other computers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .fleet_spec import FIRST_UID

# The attackers act as these devices of the fleet: not the first one, which is called meanwhile.
_UID = FIRST_UID + 1

_CONNECTIONS = 8
_IDLE_SOCKETS = 6_500
_CHUNK = 50

_TEXT, _BINARY, _PING, _PONG = 1, 2, 9, 10

_HANDSHAKE = (
    b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n'
)


def websocket_frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Return a frame of a client; its mask is zero, so that the payload needs no change."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, 'big')
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, 'big')
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def _json(**fields: Any) -> bytes:
    return websocket_frame(json.dumps(fields).encode())


def _publish(topic: str, **message: Any) -> bytes:
    return _json(op='publish', topic=f'haive_os/device/{topic}', msg=message)


def _call(service: str, **args: Any) -> bytes:
    return _json(op='call_service', service=f'haive_os/{service}', args=args, id='x')


_STREAM = f'uid{_UID}/stream/position'
_VALID = (
    _publish('ping', data=_UID),
    _publish('command_result', uid=_UID, cmd_id=1, success=True, error='', result_str='V1'),
    _publish(_STREAM, uid=_UID, data='V1V2V3'),
    _call('device/connect', uid=_UID),
    _call('connected_devices'),
    _json(op='subscribe', topic='haive_os/device/connected', id='1', throttle_rate=5),
    _json(op='advertise_service', service=f'haive_os/device/uid{_UID}/serialized_command'),
    _json(op='sync', client='c', hash='', update=[{'id': 'a', 'uid': _UID, 'tags': {'b': 'c'}}]),
)


def _mutated(chance: random.Random) -> bytes:
    """Return a valid frame with some bytes changed, removed or repeated."""
    payload = bytearray(chance.choice(_VALID)[6:])
    for _ in range(chance.randint(1, 4)):
        where = chance.randrange(len(payload) + 1)
        match chance.randrange(3):
            case 0:
                payload[where : where + 1] = bytes([chance.randrange(256)])
            case 1:
                del payload[where : where + chance.randint(1, 8)]
            case _:
                payload[where:where] = payload[where : where + chance.randint(1, 60)]
    return websocket_frame(bytes(payload))


class Attack(NamedTuple):
    """Frames to send on each connection, again and again; `reads` is whether answers are read."""

    frame: Callable[[random.Random], bytes]
    reads: bool = True


def _always(frame: bytes) -> Callable[[random.Random], bytes]:
    return lambda _: frame


def _numbered(**fields: Any) -> Callable[[random.Random], bytes]:
    return lambda chance: _json(**fields, id=str(chance.getrandbits(64)))


def _description(device: str) -> bytes:
    return _json(op='sync', client='c', hash='', update=[{'id': device, 'uid': _UID}])


FLOODS = {
    'mutated frames': Attack(_mutated),
    'WebSocket pings': Attack(_always(websocket_frame(b'', _PING))),
    'WebSocket pongs': Attack(_always(websocket_frame(b'', _PONG))),
    'empty frames': Attack(_always(websocket_frame(b''))),
    'binary frames': Attack(_always(websocket_frame(b'x', _BINARY))),
    'pings': Attack(_always(_publish('ping', data=_UID))),
    'connect': Attack(_always(_call('device/connect', uid=_UID))),
    'connected_devices': Attack(_always(_call('connected_devices'))),
    'samples': Attack(_always(_publish(_STREAM, uid=_UID, data='V1V2V3'))),
    'frames of 200 KB': Attack(_always(_publish(_STREAM, uid=_UID, data='V1' * 100_000))),
    'subscriptions': Attack(_numbered(op='subscribe', topic='haive_os/device/connected')),
    'descriptions': Attack(lambda chance: _description(str(chance.randrange(2000)))),
    'calls that are not read': Attack(_always(_call('connected_devices')), reads=False),
    'subscribers that do not read': Attack(
        _always(_json(op='subscribe', topic='haive_os/device/api_call_result')), reads=False
    ),
}


async def _flood(port: int, attack: Attack, seed: int) -> None:
    chance = random.Random(seed)
    while True:
        try:
            reader, writer = await asyncio.open_connection('127.0.0.1', port)
            writer.write(_HANDSHAKE)
            await reader.readuntil(b'\r\n\r\n')
            reading = asyncio.create_task(_discard(reader, attack.reads))
            try:
                while not reading.done():
                    writer.write(b''.join(attack.frame(chance) for _ in range(_CHUNK)))
                    await writer.drain()
            finally:
                reading.cancel()
                writer.transport.abort()
        except (OSError, EOFError):
            # As fast as possible, but not faster than a socket can be opened.
            await asyncio.sleep(0.01)


async def _discard(reader: asyncio.StreamReader, reads: bool) -> None:
    if not reads:
        await asyncio.Event().wait()
    with contextlib.suppress(OSError):
        while await reader.read(65536):
            pass


async def _open_and_close(port: int, request: bytes) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection('127.0.0.1', port)
            writer.write(request)
            await reader.read(1)
            writer.transport.abort()
        except OSError:
            await asyncio.sleep(0.01)


async def _idle(port: int) -> None:
    writers = []
    for _ in range(_IDLE_SOCKETS):
        with contextlib.suppress(OSError):
            writers.append((await asyncio.open_connection('127.0.0.1', port))[1])
    await asyncio.Event().wait()


def _attackers(name: str, port: int) -> Iterator[Any]:
    if name in FLOODS:
        return (_flood(port, FLOODS[name], seed) for seed in range(_CONNECTIONS))
    if name == 'handshakes':
        return (_open_and_close(port, _HANDSHAKE) for _ in range(_CONNECTIONS))
    if name == 'wrong tokens':
        request = _HANDSHAKE.replace(b'GET / ', b'GET /?token=hos_wrong ')
        return (_open_and_close(port, request) for _ in range(_CONNECTIONS))
    return iter((_idle(port),))


ATTACKS = (*FLOODS, 'handshakes', 'wrong tokens', 'idle sockets')


async def main(name: str, port: int) -> None:
    """Attack until the end of standard input."""
    os.nice(19)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tasks = [asyncio.ensure_future(attacker) for attacker in _attackers(name, port)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print('attacking', flush=True)
    await reader.read()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == '__main__':
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
