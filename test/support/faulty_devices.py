"""
Devices that misbehave at random, as a program: `faulty_devices.py LINK LOG SEED UID... --url URL`.

LINK is `ros` or `gateway`. Each command that a device receives is a line of LOG. SIGUSR1 makes all
devices behave from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import heapq
import itertools
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse
from hos_interfaces.msg import DeviceCommandResult
from hos_interfaces.srv import ConnectDevice, DeviceCommand, SerializedDeviceCommand
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from std_msgs.msg import UInt32

from hos_device_layer import services, topics
from hos_device_layer.qos import RESULT_QOS, SERVICE_QOS

# Serialized commands are this and the text.
SERIALIZED_PREFIX = 'T'

PING_PERIOD_S = 0.3

# The steps of each behaviour, with the earliest and the latest delay after the command [s], and
# how often it is chosen. Tasks fail if they are not accepted in 2 s, or have no result in 3 s.
ACCEPT, REFUSE, RESULT = 'accept', 'refuse', 'result'
BEHAVIOURS: dict[str, tuple[float, list[tuple[str, float, float]]]] = {
    'obedient': (80, [(ACCEPT, 0, 0), (RESULT, 0, 0.15)]),
    'result before answer': (5, [(RESULT, 0, 0), (ACCEPT, 0.01, 0.2)]),
    'result without answer': (3, [(RESULT, 0, 0.5)]),
    'late answer': (2, [(ACCEPT, 1.9, 2.5), (RESULT, 2.5, 2.8)]),
    'late result': (1, [(ACCEPT, 0, 0), (RESULT, 2.9, 3.3)]),
    'answer without result': (1, [(ACCEPT, 0, 0.1)]),
    'silent': (1, []),
    'two results': (4, [(ACCEPT, 0, 0), (RESULT, 0, 0.1), (RESULT, 0, 0.3)]),
    'two answers': (1, [(ACCEPT, 0, 0), (ACCEPT, 0, 0.2), (RESULT, 0, 0.2)]),
    'refusal': (2, [(REFUSE, 0, 0.1)]),
}


class CommandLogger:
    """Chooses behaviours at random, and logs the commands with the chosen behaviour."""

    def __init__(self, path: Path, seed: str) -> None:
        self.random = random.Random(seed)
        self.behaves = False
        self._file = path.open('w', buffering=1)
        signal.signal(signal.SIGUSR1, self._on_signal)

    def steps(self, uid: int, cmd_id: int, text: str) -> list[tuple[float, str]]:
        """Log a command and return when to do what with it."""
        names = ['obedient'] if self.behaves else list(BEHAVIOURS)
        (name,) = self.random.choices(names, [BEHAVIOURS[name][0] for name in names])
        line = {'uid': uid, 'cmd_id': cmd_id, 'text': text, 'received_s': time.time()}
        self._file.write(json.dumps({**line, 'behaviour': name}) + '\n')
        return [(self.random.uniform(low, high), step) for step, low, high in BEHAVIOURS[name][1]]

    def fault(self, name: str) -> None:
        """Log a fault of another kind."""
        self._file.write(json.dumps({'fault': name}) + '\n')

    def _on_signal(self, *_: Any) -> None:
        self.behaves = True


class FaultyRosDevices(Node):
    """Devices with typed (even uids) and serialized commands (odd uids)."""

    def __init__(self, log: CommandLogger, uids: list[int]) -> None:
        super().__init__('faulty_devices')
        self._log = log
        self._silent_until = dict.fromkeys(uids, 0.0)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._pings = self.create_publisher(UInt32, topics.DEVICE_PING_TOPIC, 1000)
        self._results = self.create_publisher(
            DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, RESULT_QOS
        )
        self._connect = self.create_client(
            ConnectDevice, services.CONNECT_DEVICE_SERVICE, qos_profile=SERVICE_QOS
        )
        for uid in uids:
            self._serve(uid)
        self.create_timer(PING_PERIOD_S, self._ping)
        self.create_timer(0.01, self._run_due)

    def _serve(self, uid: int) -> None:
        kind: Any = SerializedDeviceCommand if uid % 2 else DeviceCommand
        name = (
            services.SERIALIZED_DEVICE_COMMAND_SERVICE(uid)
            if uid % 2
            else services.DEVICE_COMMAND_SERVICE(uid)
        )
        requests: list[Any] = []

        def on_request(request: Any, response: Any) -> Any:
            requests.append(request)
            return response

        service = self.create_service(kind, name, on_request, qos_profile=SERVICE_QOS)
        send = service.send_response

        def on_header(response: Any, header: Any) -> None:
            request = requests.pop()
            text = (
                request.serialized_command.removeprefix(SERIALIZED_PREFIX)
                if uid % 2
                else request.args[0].data
            )
            for delay, step in self._log.steps(uid, request.cmd_id, text):
                self._plan(delay, step, uid, request.cmd_id, text, response, header, send)

        setattr(service, 'send_response', on_header)  # noqa: B010

    def _plan(
        self,
        delay: float,
        step: str,
        uid: int,
        cmd_id: int,
        text: str,
        response: Any,
        header: Any,
        send: Callable[[Any, Any], None],
    ) -> None:
        def act() -> None:
            if step == RESULT:
                message = DeviceCommandResult(
                    uid=uid, cmd_id=cmd_id, success=True, result_str=f'V{text}'
                )
                self._results.publish(message)
            else:
                response.is_valid, response.error = step == ACCEPT, 'no' * (step == REFUSE)
                send(response, header)

        if delay:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), act))
        else:
            act()

    def _run_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()

    def _ping(self) -> None:
        now = time.monotonic()
        for uid, silent_until in self._silent_until.items():
            if now < silent_until and not self._log.behaves:
                continue
            if silent_until and self._connect.service_is_ready():
                # As a device that was switched off for a while.
                self._silent_until[uid] = 0.0
                self._connect.call_async(ConnectDevice.Request(uid=uid))
            elif self._log.random.random() < 0.02 and not self._log.behaves:
                self._log.fault('device falls silent')
                self._silent_until[uid] = now + self._log.random.uniform(1, 4)
            else:
                self._pings.publish(UInt32(data=uid))


class FaultyGatewayDevice:
    """A device with a WebSocket, which it closes, forgets and opens again."""

    def __init__(self, log: CommandLogger, uid: int, url: str) -> None:
        self._log = log
        self._uid = uid
        self._url = url
        self._service = services.SERIALIZED_DEVICE_COMMAND_SERVICE(uid)
        self._forgotten: list[ClientWebSocketResponse] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, session: ClientSession) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, ClientError, ConnectionError):
                socket = await session.ws_connect(self._url, autoping=True)
                await self._use(socket)
            await asyncio.sleep(self._log.random.uniform(0.05, 0.5))

    async def _use(self, socket: ClientWebSocketResponse) -> None:
        advertise = {'op': 'advertise_service', 'service': self._service}
        connect = {'op': 'call_service', 'service': 'haive_os/device/connect'}
        connect_frame = {**connect, 'args': {'uid': self._uid}}
        if self._log.random.random() < 0.3:
            self._log.fault('late advertise_service')
            await socket.send_json(connect_frame)
            self._start(self._send_later(socket, self._log.random.uniform(0.1, 6), advertise))
        else:
            await socket.send_json(advertise)
            await socket.send_json(connect_frame)
        until = time.monotonic() + self._log.random.uniform(1, 20)
        self._start(self._ping(socket))
        while self._log.behaves or time.monotonic() < until:
            with contextlib.suppress(asyncio.TimeoutError):
                message = await socket.receive(timeout=0.5)
                if not isinstance(message.data, str):
                    return
                self._on_frame(socket, json.loads(message.data))
        if self._log.random.random() < 0.5:
            self._log.fault('close')
            await socket.close()
        else:
            # Never read again: for the gateway the connection stays open.
            self._log.fault('half-open')
            self._forgotten.append(socket)

    async def _ping(self, socket: ClientWebSocketResponse) -> None:
        while not socket.closed and socket not in self._forgotten:
            msg = {'data': self._uid}
            await self._send(
                socket, {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': msg}
            )
            await asyncio.sleep(PING_PERIOD_S)

    def _on_frame(self, socket: ClientWebSocketResponse, frame: dict[str, Any]) -> None:
        if frame['op'] != 'call_service':
            return
        cmd_id = frame['args']['cmd_id']
        text = frame['args']['serialized_command'].removeprefix(SERIALIZED_PREFIX)
        for delay, step in self._log.steps(self._uid, cmd_id, text):
            self._start(self._send_later(socket, delay, self._frame(step, frame, cmd_id, text)))

    def _frame(self, step: str, call: dict[str, Any], cmd_id: int, text: str) -> dict[str, Any]:
        if step == RESULT:
            msg = {'uid': self._uid, 'cmd_id': cmd_id, 'success': True, 'result_str': f'V{text}'}
            msg['error'] = ''
            return {'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': msg}
        values = {'is_valid': step == ACCEPT, 'error': 'no' * (step == REFUSE)}
        answer = {'op': 'service_response', 'id': call['id'], 'service': call['service']}
        return {**answer, 'values': values, 'result': True}

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_later(self, socket: Any, delay: float, frame: dict[str, Any]) -> None:
        if delay:
            await asyncio.sleep(delay)
        await self._send(socket, frame)

    async def _send(self, socket: ClientWebSocketResponse, frame: dict[str, Any]) -> None:
        if socket not in self._forgotten:
            with contextlib.suppress(OSError, ClientError, ConnectionError):
                await socket.send_json(frame)


async def _run_gateway_devices(log: CommandLogger, uids: list[int], url: str) -> None:
    async with ClientSession() as session:
        await asyncio.gather(*(FaultyGatewayDevice(log, uid, url).run(session) for uid in uids))


def _run_ros_devices(log: CommandLogger, uids: list[int], ros_arguments: list[str]) -> None:
    rclpy.init(args=ros_arguments)
    executor = EventsExecutor()
    executor.add_node(FaultyRosDevices(log, uids))
    while True:
        executor.spin_once(timeout_sec=0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('link', choices=['ros', 'gateway'])
    parser.add_argument('log', type=Path)
    parser.add_argument('seed')
    parser.add_argument('uids', type=int, nargs='+')
    parser.add_argument('--url', default='')
    options, ros_arguments = parser.parse_known_args()
    log = CommandLogger(options.log, f'{options.seed}/{options.link}')
    if options.link == 'ros':
        _run_ros_devices(log, options.uids, ros_arguments)
    else:
        asyncio.run(_run_gateway_devices(log, options.uids, options.url))


if __name__ == '__main__':
    main()
