"""
Simulated gateway devices, one WebSocket connection each, which report results at once.

They use as little CPU time as possible, so that the gateway is measured and not the devices.

Usage: gateway_devices URL COUNT [FIRST]. FIRST is the index of the first device in the fleet. When
all devices are connected it prints `connected` and the time it took [s]. A line `COUNT RATE` on
standard input makes each device send COUNT samples, at RATE samples per second for all devices
together; then it prints `sent`.
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

# The delays before reconnecting, as in hos_client: the devices of a fleet reconnect spread out.
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 4.0


class SimulatedGatewayFleet:
    """All simulated devices, with the number of connected ones."""

    def __init__(self, url: str, count: int, first: int = 0) -> None:
        self.url = url
        self.devices = [_SimulatedGatewayDevice(self, FIRST_UID + first + i) for i in range(count)]
        self._connected = 0
        self._since = time.monotonic()

    async def run(self) -> None:
        """Run all devices until the end of standard input."""
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
        """Count a new connection (1) or a lost one (-1); print when all devices are connected."""
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


class _SimulatedGatewayDevice:
    def __init__(self, fleet: SimulatedGatewayFleet, uid: int) -> None:
        self._fleet = fleet
        self._uid = uid
        self._socket: ClientWebSocketResponse | None = None
        service = f'haive_os/device/uid{uid}/serialized_command'
        self._connect_frames = (
            f'{{"op":"advertise_service","service":"{service}"}}',
            f'{{"op":"call_service","service":"haive_os/device/connect","args":{{"uid":{uid}}}}}',
        )
        self._ping = f'{{"op":"publish","topic":"haive_os/device/ping","msg":{{"data":{uid}}}}}'
        self._stream = f'haive_os/device/uid{uid}/stream/position'

    async def run(self, session: ClientSession) -> None:
        """Connect and serve the device, and reconnect whenever the connection is lost."""
        delay = _FIRST_DELAY_S
        while True:
            try:
                async with session.ws_connect(self._fleet.url) as socket:
                    delay = _FIRST_DELAY_S
                    await self._serve(socket)
            except (OSError, TimeoutError, ClientError):
                pass
            if self._socket is not None:
                self._socket = None
                self._fleet.report(-1)
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def send_sample(self, n: int) -> None:
        """Send sample number `n` of the stream."""
        assert self._socket is not None
        await self._socket.send_str(
            f'{{"op":"publish","topic":"{self._stream}",'
            f'"msg":{{"uid":{self._uid},"data":"V{n % 60}V2V3"}}}}'
        )

    async def _serve(self, socket: ClientWebSocketResponse) -> None:
        for text in self._connect_frames:
            await socket.send_str(text)
        pinging = asyncio.create_task(self._send_pings(socket))
        try:
            async for message in socket:
                await self._handle_frame(socket, msgspec.json.decode(message.data))
        finally:
            pinging.cancel()

    async def _handle_frame(
        self, socket: ClientWebSocketResponse, frame: dict[str, object]
    ) -> None:
        if frame['op'] == 'service_response':
            self._socket = socket
            self._fleet.report(1)
            return
        args = frame['args']
        assert isinstance(args, dict)
        # The result before the answer, as ROS devices that publish results inside their handlers.
        await socket.send_str(
            '{"op":"publish","topic":"haive_os/device/command_result",'
            f'"msg":{{"uid":{self._uid},"cmd_id":{args["cmd_id"]},"success":true,"error":"",'
            '"result_str":"V1.5V1.5V1.5"}}'
        )
        await socket.send_str(
            f'{{"op":"service_response","id":"{frame["id"]}","service":"{frame["service"]}",'
            '"values":{"is_valid":true,"error":""},"result":true}'
        )

    async def _send_pings(self, socket: ClientWebSocketResponse) -> None:
        await asyncio.sleep(PING_PERIOD_S * random.random())
        while True:
            await socket.send_str(self._ping)
            await asyncio.sleep(PING_PERIOD_S)


if __name__ == '__main__':
    numbers = [int(argument) for argument in sys.argv[2:]]
    asyncio.run(SimulatedGatewayFleet(sys.argv[1], *numbers).run())
