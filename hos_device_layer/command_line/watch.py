"""`hos watch`: print connection events, results and stream samples as they arrive."""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from functools import partial
from typing import Any

from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult
from hos_interfaces.srv import DescribeDevices
from rclpy.node import Node
from rclpy.task import Future
from rich.console import Console
from rich.markup import escape

from .. import topics
from ..core.text import counted, local_time
from ..device_api_client import ManagerWatch
from ..links.ros.streams import StreamSubscriptions
from ..qos import EVENT_QOS, RESULT_QOS, SERVICE_QOS
from ..ros_startup import RosArgumentsError
from ..services import DESCRIBE_DEVICES_SERVICE
from ..standard_streams import has_reader
from .manager_options import add_manager_options
from .ros_session import (
    MANAGER_TIMEOUT_S,
    RosSession,
    no_manager,
    ros_session,
)

# The interval at which the device manager and new streams are looked for [s].
_DISCOVERY_INTERVAL_S = 0.1

# A request for the devices is repeated after this time, since DDS may lose an answer [s].
_RETRY_S = 1.0

_EVENT_TOPICS = {
    topics.DEVICE_CONNECTED: '[green]connected',
    topics.DEVICE_TIMEOUT: '[yellow]timed out',
    topics.DEVICE_RECONNECTED: '[green]reconnected',
    topics.DEVICE_DISCONNECTED: '[red]disconnected',
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'watch',
        help='print connection events, results and stream samples',
        description='Print connection events, results and stream samples until Ctrl-C.',
    )
    parser.add_argument('--no-streams', action='store_true', help='do not print stream samples')
    add_manager_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print until Ctrl-C or SIGTERM; returns 0, or 2 if the arguments are wrong."""
    try:
        with ros_session(arguments) as session:
            _watch(session, not arguments.no_streams)
    except RosArgumentsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _watch(session: RosSession, with_streams: bool) -> None:
    console = Console(soft_wrap=True, highlight=False)
    names = _DeviceNames(session.node, console)
    printer = _MessagePrinter(session.node, console, names)
    news = _ManagerNews(session.node, printer, names)
    session.node.create_timer(_DISCOVERY_INTERVAL_S, names.update)
    session.node.create_timer(_DISCOVERY_INTERVAL_S, news.update)
    if with_streams:
        session.node.create_timer(_DISCOVERY_INTERVAL_S, printer.follow_streams)
    try:
        session.spin(lambda: not has_reader())
    finally:
        news.close()


class _DeviceNames:
    """The device ids by uid, as told by each device manager that appears, and by its events."""

    def __init__(self, node: Node, console: Console) -> None:
        self._node = node
        self._console = console
        self._ids: dict[int, str] = {}
        self._nameless: set[int] = set()
        self._is_current = False
        self._is_announced = False
        self._answer: Future | None = None
        self._asked_at = -_RETRY_S
        self._warn_at = time.monotonic() + MANAGER_TIMEOUT_S
        self._client = node.create_client(
            DescribeDevices, DESCRIBE_DEVICES_SERVICE, qos_profile=SERVICE_QOS
        )

    def name(self, uid: int) -> str:
        """Return the id of a device, or its uid until the manager has told the id."""
        if uid not in self._ids and uid not in self._nameless:
            self._nameless.add(uid)
            self._is_current = False
        return self._ids.get(uid) or f'uid {uid}'

    def announce_again(self) -> None:
        """Report the fleet of another manager."""
        self._is_announced = self._is_current = False

    def learn(self, uid: int, device_id: str) -> None:
        """Use the id that an event tells."""
        self._ids[uid] = device_id

    def update(self) -> None:
        """Query the manager when necessary; report once if no manager is found."""
        if self._answer is not None and self._answer.done():
            answer, self._answer = self._answer.result(), None
            self._is_current = True
            self._learn_all(answer)
        if not self._client.service_is_ready():
            self._is_current = False
            self._warn()
        elif not self._is_current and time.monotonic() - self._asked_at >= _RETRY_S:
            self._asked_at = time.monotonic()
            self._answer = self._client.call_async(DescribeDevices.Request())

    def _learn_all(self, answer: Any) -> None:
        devices = [device for device in answer.devices if device.device_id]
        self._ids |= {d.device_uid: d.device_id for d in devices if d.has_uid}
        if not self._is_announced:
            self._is_announced = True
            connected = sum(device.state == 'connected' for device in devices)
            fleet = f'{connected} of {counted(len(devices), "device")} connected'
            self._console.print(f'fleet {escape(repr(answer.fleet))}: {fleet}')

    def _warn(self) -> None:
        if not self._is_announced and time.monotonic() > self._warn_at:
            self._is_announced = True
            text = no_manager(self._node, DESCRIBE_DEVICES_SERVICE)
            self._console.print(f'{escape(text)} (waiting for it)')


class _ManagerNews:
    """Tells when the device manager is lost, and when it or another one is there."""

    def __init__(self, node: Node, printer: _MessagePrinter, names: _DeviceNames) -> None:
        self._printer = printer
        self._names = names
        self._known: Any = None
        self._is_lost = False
        self._watch = ManagerWatch(
            node, topics.DEVICE_MANAGER_STATUS_TOPIC, node.default_callback_group, self._on_status
        )

    def update(self) -> None:
        """Report if the manager is lost."""
        heard, _ = self._watch.liveliness()
        if self._known is not None and self._is_lost == bool(heard):
            self._is_lost = not heard
            end = '[red]has ended or is out of reach' if self._is_lost else '[green]is back'
            self._printer.print_now(f'{_describe_manager(self._known)} {end}')

    def close(self) -> None:
        """Free what the node does not know of."""
        self._watch.close()

    def _on_status(self) -> None:
        status, before = self._watch.status, self._known
        if before is not None and before.manager_id != status.manager_id:
            self._is_lost = False
            self._printer.print_now(f'{_describe_manager(status)} [green]has started')
            self._names.announce_again()
        self._known = status


def _describe_manager(status: Any) -> str:
    return f'the device manager (process {status.pid} on {escape(status.host)})'


class _MessagePrinter:
    def __init__(self, node: Node, console: Console, names: _DeviceNames) -> None:
        self._node = node
        self._console = console
        self._names = names
        self._streams = StreamSubscriptions(node)
        self._subscribed: set[str] = set()
        for topic, event in _EVENT_TOPICS.items():
            node.create_subscription(
                ConnectionInfo, topic, partial(self._on_event, event), EVENT_QOS
            )
        node.create_subscription(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, self._on_result, RESULT_QOS
        )
        any_stream = re.escape(node.resolve_topic_name(topics.DEVICE_STREAM_TOPIC(0, 'x')))
        self._stream_topic = re.compile(any_stream.replace('uid0', r'uid(\d+)')[:-1] + r'(\w+)')

    def follow_streams(self) -> None:
        """Subscribe to new streams, and adapt to what the publishers of the others offer."""
        self._streams.poll()
        for topic, _ in self._node.get_topic_names_and_types():
            match = self._stream_topic.fullmatch(topic)
            if match and topic not in self._subscribed:
                self._subscribed.add(topic)
                self._streams.create(topic, partial(self._on_sample, int(match[1]), match[2]))

    def print_now(self, text: str) -> None:
        """Print a line with the current time."""
        self._print(time.time(), text)

    def _on_event(self, event: str, message: Any) -> None:
        self._names.learn(message.device_uid, message.device_id)
        device = f'{message.device_id} ({message.device_type}, uid {message.device_uid})'
        self._print(message.event_time_s, f'{escape(device)} {event}')

    def _on_result(self, message: Any) -> None:
        duration_s = message.response_time_s - message.request_time_s
        result = (
            f'[green]done[/] {escape(message.result_jsons)}'
            if message.success
            else f'[red]failed[/] {escape(message.error)}'
        )
        self._print(
            message.response_time_s, f'task {message.task_id} {result} in {duration_s:.3f} s'
        )

    def _on_sample(self, uid: int, stream: str, message: Any) -> None:
        name = self._names.name(uid)
        self.print_now(f'[dim]{escape(name)} {stream}[/] {escape(message.data)}')

    def _print(self, epoch_s: float, text: str) -> None:
        self._console.print(f'[dim]{clock(epoch_s)}[/] {text}')


def clock(epoch_s: float) -> str:
    """Return the local time with milliseconds; never raises, whatever a message says."""
    milliseconds = int(epoch_s % 1 * 1000) if math.isfinite(epoch_s) else 0
    return local_time(epoch_s, f'%H:%M:%S.{milliseconds:03}')
