"""The gateway link: devices and callers behind WebSockets, and the devices' ROS proxies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rclpy.node import Node

from ... import topics
from ...core.dispatch.commands import Command
from ...core.dispatch.connection_states import ConnectionEvent
from ...core.dispatch.effects import PublishConnectionEvent, PublishResult, PublishSample
from ...core.rosbridge import PublishedMessage
from ...core.rosbridge.messages import ConnectionInfo, DeviceAPICallResult, DeviceStream
from ...core.spec.fleet import Fleet, fleet_to_json
from ...core.spec.records import FleetDevice, Stream
from ..event_topics import CONNECTION_EVENT_TOPICS
from ..link import Handle, Publication
from ..published_results import PublishedResults
from .command_relay import AnswerCallback, CommandRelay
from .gateway import Gateway
from .host_files import FLEET_FILE, HANDLERS_FILE
from .ros_proxies import DeviceProxies
from .settings import GatewaySettings

GATEWAY_LINK = 'gateway'


def create_gateway(node: Node, settings: GatewaySettings, handle: Handle) -> Gateway:
    """Return a gateway, to be opened, whose events are handled on the executor's thread."""
    return Gateway(settings, partial(handle, GATEWAY_LINK), partial(_wake, node))


class GatewayLink:
    """
    The Link to gateway devices, which other ROS nodes reach through proxies.

    The gateway is one of `create_gateway` that has been opened. `task_ids` yields the ids of
    commands that ROS nodes send, which are refused after `accept_timeout_s`; `published` receives
    their results.
    """

    def __init__(
        self,
        node: Node,
        gateway: Gateway,
        expose_services: bool,
        task_ids: Iterator[int],
        accept_timeout_s: float,
        published: PublishedResults,
    ) -> None:
        self._gateway = gateway
        self.port = gateway.port
        self._relay = CommandRelay(
            gateway.send, gateway.withdraw, task_ids, gateway.queue, accept_timeout_s
        )
        self._proxies = DeviceProxies(
            node, self._send_relayed if expose_services else None, published
        )
        self._relay.on_result = self._proxies.publish_result

    def offer_to_hosts(self, fleet: Fleet, handlers: Path) -> None:
        """Let hosts download the fleet, and the handlers of a folder."""
        self._gateway.host_files.offer(FLEET_FILE, fleet_to_json(fleet))
        self._gateway.host_files.offer_folder(HANDLERS_FILE, handlers)

    # Link

    def open(self, device: FleetDevice, serialized: bool, streams: tuple[Stream, ...]) -> None:  # noqa: ARG002
        """Create the ROS proxy of a device."""
        assert device.uid is not None
        self._proxies.open(device.uid, serialized)

    def close(self, uid: int) -> None:
        """Destroy the ROS proxy of a device."""
        self._proxies.close(uid)
        self._gateway.withdraw(uid)

    def send(self, command: Command) -> None:
        """Send a command."""
        self._gateway.send(command)

    def withdraw(self, uid: int, cmd_id: int) -> None:
        """Do not send a command that still waits for its device."""
        self._gateway.withdraw(uid, cmd_id)

    def publish(self, publication: Publication) -> None:
        """Publish to the peers that subscribe, and samples of gateway devices to ROS as well."""
        match publication:
            case PublishResult():
                self._publish(
                    topics.DEVICE_API_CALL_RESULT_TOPIC, lambda: _result_message(publication)
                )
            case PublishConnectionEvent(event, uid, device, time_s):
                if event is ConnectionEvent.DISCONNECTED:
                    self._gateway.forget_samples(uid)
                self._publish(
                    CONNECTION_EVENT_TOPICS[event],
                    lambda: ConnectionInfo(device.device_id, uid, device.device_type, time_s),
                )
            case PublishSample(link, uid, stream_name, data, is_latched):
                if link == GATEWAY_LINK:
                    self._proxies.publish_sample(uid, stream_name, data)
                topic = topics.DEVICE_STREAM_TOPIC(uid, stream_name)
                self._publish(topic, lambda: DeviceStream(uid, data), is_latched)

    def poll(self) -> None:
        """Refuse relayed commands that their devices do not answer."""
        self._relay.refuse_late(time.monotonic())

    def stop(self) -> None:
        """Close every connection."""
        self._proxies.refuse_all('the device manager was stopped')
        self._gateway.stop()

    def _send_relayed(self, command: Command, answer: AnswerCallback) -> None:
        self._relay.send(command, answer, time.monotonic())

    def _publish(
        self, topic: str, message: Callable[[], PublishedMessage], is_latched: bool = False
    ) -> None:
        if is_latched or self._gateway.is_wanted(topic):
            self._gateway.publish(topic, message(), is_latched)


def _wake(node: Node, work: Callable[[], None]) -> None:
    executor = node.executor
    if executor is not None:
        executor.create_task(work)


def _result_message(result: PublishResult) -> DeviceAPICallResult:
    return DeviceAPICallResult(
        result.task_id,
        result.success,
        result.error,
        result.result_jsons,
        result.request_time_s,
        result.response_time_s,
    )
