"""`hos watch`: print connection events, results and stream samples as they arrive."""

from __future__ import annotations

import argparse
import contextlib
import re
import time
from functools import partial
from typing import Any

from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult
from hos_interfaces.srv import DeviceConnectionInfos
from rich.console import Console
from rich.markup import escape

from .. import services, topics
from ..links.ros.streams import StreamSubscriptions
from ..qos import EVENT_QOS, RESULT_QOS
from .ros_session import MANAGER_TIMEOUT_S, NO_MANAGER, RosSession, ros_session

# The interval at which new streams are looked for [s].
_DISCOVERY_INTERVAL_S = 1.0

# The interval at which a few streams are compared with what their publishers offer [s].
_POLL_INTERVAL_S = 0.05

_EVENT_TOPICS = {
    topics.DEVICE_CONNECTED: '[green]connected',
    topics.DEVICE_TIMEOUT: '[yellow]timed out',
    topics.DEVICE_RECONNECTED: '[green]reconnected',
    topics.DEVICE_DISCONNECTED: '[red]disconnected',
}
_STREAM_TOPIC = re.compile(r'.*haive_os/device/uid(\d+)/stream/(\w+)')


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        'watch',
        help='print connection events, results and stream samples',
        description='Print connection events, results and stream samples until Ctrl-C.',
    )
    parser.add_argument('--no-streams', action='store_true', help='do not print stream samples')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print messages until Ctrl-C; returns 0."""
    # Ctrl-C is the normal end, also before the first message.
    with contextlib.suppress(KeyboardInterrupt), ros_session() as session:
        printer = _MessagePrinter(session, Console(soft_wrap=True, highlight=False))
        printer.request_device_ids(session)
        if not arguments.no_streams:
            session.node.create_timer(_DISCOVERY_INTERVAL_S, printer.subscribe_new_streams)
            session.node.create_timer(_POLL_INTERVAL_S, printer.streams.poll)
        session.spin()
    return 0


class _MessagePrinter:
    def __init__(self, session: RosSession, console: Console) -> None:
        self._node = session.node
        self._console = console
        self.streams = StreamSubscriptions(session.node)
        self._subscribed_streams: set[str] = set()
        self._device_ids: dict[int, str] = {}
        for topic, event in _EVENT_TOPICS.items():
            self._node.create_subscription(
                ConnectionInfo, topic, partial(self._on_event, event), EVENT_QOS
            )
        self._node.create_subscription(
            DeviceAPICallResult,
            topics.DEVICE_API_CALL_RESULT_TOPIC,
            self._on_result,
            RESULT_QOS,
        )

    def subscribe_new_streams(self) -> None:
        """Subscribe to the streams that have appeared since the last call."""
        for topic, _ in self._node.get_topic_names_and_types():
            match = _STREAM_TOPIC.fullmatch(topic)
            if match and topic not in self._subscribed_streams:
                self._subscribed_streams.add(topic)
                self.streams.create(topic, partial(self._on_sample, *match.groups()))

    def request_device_ids(self, session: RosSession) -> None:
        """Request the connected devices, to print their ids instead of their uids."""
        client = self._node.create_client(
            DeviceConnectionInfos, services.DEVICE_CONNECTION_INFOS_SERVICE
        )
        if session.spin_until(client.service_is_ready, MANAGER_TIMEOUT_S):
            future = client.call_async(DeviceConnectionInfos.Request())
            if session.spin_until(future.done, MANAGER_TIMEOUT_S):
                for info in future.result().device_infos:
                    self._device_ids[info.device_uid] = info.device_id
        else:
            self._console.print(f'{NO_MANAGER} (waiting for it)')

    def _on_event(self, event: str, message: Any) -> None:
        self._device_ids[message.device_uid] = message.device_id
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

    def _on_sample(self, uid: str, stream: str, message: Any) -> None:
        name = self._device_ids.get(int(uid), f'uid {uid}')
        self._print(time.time(), f'[dim]{escape(name)} {stream}[/] {escape(message.data)}')

    def _print(self, epoch_s: float, text: str) -> None:
        clock = time.strftime('%H:%M:%S', time.localtime(epoch_s))
        self._console.print(f'[dim]{clock}.{int(epoch_s % 1 * 1000):03}[/] {text}')
