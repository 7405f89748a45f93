"""
Devices behind WebSockets, one socket each, as firmware does it; they answer inside their handler.

They are as light as Python allows, since the gateway is measured, not they.

Usage: gateway_devices URL COUNT. It prints a line with the seconds it took whenever all are
connected. A line `COUNT RATE` on its input makes each device send so many samples, RATE a second
in all; it prints a line when they are sent.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

import msgspec
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, TCPConnector

from .fleet_spec import FIRST_UID

PING_PERIOD_S = 5.0

# As this project's client does it: a fleet does not come back in one moment.
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 4.0


class GatewayFleet:
    """All devices, and how many of them are connected."""

    def __init__(self, url: str, count: int) -> None:
        self.url = url
        self.devices = [_Device(self, FIRST_UID + i) for i in range(count)]
        self._connected = 0
        self._since = time.monotonic()

    async def run(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        async with ClientSession(connector=TCPConnector(limit=0)) as session:
            tasks = [asyncio.create_task(device.run(session)) for device in self.devices]
            while line := await reader.readline():
                count, rate = (float(word) for word in line.split())
                await self._stream(int(count), rate)
                print('sent', flush=True)
            for task in tasks:
                task.cancel()

    def report(self, change: int) -> None:
        """Take note that a device has connected (1) or lost its connection (-1)."""
        if self._connected == len(self.devices):
            self._since = time.monotonic()
        self._connected += change
        if self._connected == len(self.devices):
            print(f'connected {time.monotonic() - self._since:.3f}', flush=True)

    async def _stream(self, count: int, rate: float) -> None:
        start = time.monotonic()
        for n in range(count):
            for device in self.devices:
                await device.send_sample(n)
            ahead = start + (n + 1) * len(self.devices) / rate - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)


class _Device:
    def __init__(self, fleet: GatewayFleet, uid: int) -> None:
        self._fleet = fleet
        self._uid = uid
        self._socket: ClientWebSocketResponse | None = None
        service = f'haive_os/device/uid{uid}/serialized_command'
        self._hello = (
            f'{{"op":"advertise_service","service":"{service}"}}',
            f'{{"op":"call_service","service":"haive_os/device/connect","args":{{"uid":{uid}}}}}',
        )
        self._ping = f'{{"op":"publish","topic":"haive_os/device/ping","msg":{{"data":{uid}}}}}'
        self._stream = f'haive_os/device/uid{uid}/stream/position'

    async def run(self, session: ClientSession) -> None:
        wait = _FIRST_WAIT_S
        while True:
            try:
                async with session.ws_connect(self._fleet.url) as socket:
                    wait = _FIRST_WAIT_S
                    await self._serve(socket)
            except (OSError, TimeoutError, ClientError):
                pass
            if self._socket is not None:
                self._socket = None
                self._fleet.report(-1)
            await asyncio.sleep(wait * random.uniform(0.5, 1))
            wait = min(wait * 2, _LONGEST_WAIT_S)

    async def send_sample(self, n: int) -> None:
        assert self._socket is not None
        await self._socket.send_str(
            f'{{"op":"publish","topic":"{self._stream}",'
            f'"msg":{{"uid":{self._uid},"data":"V{n % 60}V2V3"}}}}'
        )

    async def _serve(self, socket: ClientWebSocketResponse) -> None:
        for text in self._hello:
            await socket.send_str(text)
        pinging = asyncio.create_task(self._ping_on(socket))
        try:
            async for message in socket:
                await self._take(socket, msgspec.json.decode(message.data))
        finally:
            pinging.cancel()

    async def _take(self, socket: ClientWebSocketResponse, frame: dict[str, object]) -> None:
        if frame['op'] == 'service_response':
            self._socket = socket
            self._fleet.report(1)
            return
        args = frame['args']
        assert isinstance(args, dict)
        # The result first, as a device on ROS does it that reports inside its handler.
        await socket.send_str(
            '{"op":"publish","topic":"haive_os/device/command_result",'
            f'"msg":{{"uid":{self._uid},"cmd_id":{args["cmd_id"]},"success":true,"error":"",'
            '"result_str":"V1.5V1.5V1.5"}}'
        )
        await socket.send_str(
            f'{{"op":"service_response","id":"{frame["id"]}","service":"{frame["service"]}",'
            '"values":{"is_valid":true,"error":""},"result":true}'
        )

    async def _ping_on(self, socket: ClientWebSocketResponse) -> None:
        await asyncio.sleep(PING_PERIOD_S * random.random())
        while True:
            await socket.send_str(self._ping)
            await asyncio.sleep(PING_PERIOD_S)


if __name__ == '__main__':
    asyncio.run(GatewayFleet(sys.argv[1], int(sys.argv[2])).run())
