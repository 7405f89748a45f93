"""The gateway as a link of the device manager: its sockets, and its devices' ROS entities."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from rclpy.node import Node

from ... import topics
from ...core.dispatch.commands import Command
from ...core.dispatch.effects import PublishConnectionEvent, PublishResult
from ...core.rosbridge.messages import ConnectionInfo, DeviceAPICallResult, DeviceStream
from ...core.spec.fleet import Fleet, fleet_to_json
from ...core.spec.records import FleetDevice, Stream
from ..link import DeviceEvents
from ..routes import Routes
from .downloads import FLEET_FILE, HANDLERS_FILE
from .gateway import Callers, Gateway
from .ros_proxies import DeviceProxies
from .settings import GatewaySettings

# Commands of ROS nodes to one device whose results are waited for; the oldest are given up.
_MAX_RELAYED = 1_000

Answer = Callable[[bool, str], None]


class GatewayLink:
    """
    A Link to gateway devices that other ROS nodes can reach as well.

    Adds itself to `routes`. To be made when the node has been added to its executor. Raises
    GatewayError.
    """

    def __init__(
        self,
        node: Node,
        settings: GatewaySettings,
        routes: Routes,
        events: DeviceEvents,
        callers: Callers,
        expose_services: bool,
    ) -> None:
        self._node = node
        self._exposure = DeviceProxies(node, self._relay if expose_services else None)
        self._tickets = itertools.count()
        self._asked: dict[int, tuple[Command, Answer]] = {}
        # The commands that run on each device: the manager's, and those of other nodes.
        self._running: dict[int, set[int]] = {}
        self._relayed: dict[int, OrderedDict[int, None]] = {}
        self._gateway = Gateway(settings, self, callers, self._wake, self._on_relay_answered)
        self.port = self._gateway.port
        # The gateway hands over what it hears on this thread, so not before this has returned.
        self._events = routes.add(self, events)

    def stop(self) -> None:
        """Close every connection."""
        self._gateway.stop()

    def offer_to_hosts(self, fleet: Fleet, handlers: Path) -> None:
        """Let hosts fetch the fleet, and the handlers that are in a folder."""
        self._gateway.downloads.offer(FLEET_FILE, fleet_to_json(fleet))
        self._gateway.downloads.offer_folder(HANDLERS_FILE, handlers)

    # Link

    def open(self, device: FleetDevice, serialized: bool, streams: list[Stream]) -> None:  # noqa: ARG002
        assert device.uid is not None
        self._exposure.open(device.uid, serialized)

    def send(self, command: Command) -> None:
        self._running.setdefault(command.uid, set()).add(command.cmd_id)
        self._gateway.send(command)

    def forget(self, uid: int, cmd_id: int) -> None:
        if running := self._running.get(uid):
            running.discard(cmd_id)

    def close(self, uid: int) -> None:
        self._exposure.close(uid)
        self._running.pop(uid, None)
        self._relayed.pop(uid, None)

    def reaches(self, uid: int) -> bool:
        return self._gateway.reaches(uid)

    # Listeners

    def publish_result(self, result: PublishResult) -> None:
        """Tell the peers that subscribe to results."""
        if self._gateway.is_wanted(topics.DEVICE_API_CALL_RESULT_TOPIC):
            message = DeviceAPICallResult(*result[1:])
            self._gateway.publish(topics.DEVICE_API_CALL_RESULT_TOPIC, message)

    def publish_change(self, topic: str, change: PublishConnectionEvent) -> None:
        """Tell the peers that subscribe to a connection event."""
        if self._gateway.is_wanted(topic):
            self._gateway.publish(topic, connection_info(change.uid, change.device, change[3]))

    def publish_sample(self, uid: int, stream_name: str, data: str) -> None:
        """Tell ROS, if the device is one of ours, and the peers that subscribe to the stream."""
        if self._gateway.reaches(uid):
            self._exposure.publish_sample(uid, stream_name, data)
        topic = topics.DEVICE_STREAM_TOPIC(uid, stream_name)
        if self._gateway.is_wanted(topic):
            self._gateway.publish(topic, DeviceStream(uid, data))

    # DeviceEvents

    def connect(self, uid: int) -> tuple[bool, str]:
        return self._events.connect(uid)

    def ping(self, uid: int) -> None:
        self._events.ping(uid)

    def connection_closed(self, uid: int) -> None:
        self._events.connection_closed(uid)

    def command_answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        self._events.command_answered(cmd_id, is_valid, error)

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str
    ) -> None:
        relayed = self._relayed.get(uid)
        if relayed is not None and cmd_id in relayed:
            del relayed[cmd_id]
            self._exposure.publish_result(uid, cmd_id, success, error, result_str)
        else:
            self._events.command_result(uid, cmd_id, success, error, result_str)

    def stream_sample(self, uid: int, stream_name: str, data: str) -> None:
        self._events.stream_sample(uid, stream_name, data)

    # Commands of other nodes

    def _relay(self, command: Command, answer: Answer) -> None:
        relayed = self._relayed.setdefault(command.uid, OrderedDict())
        if command.cmd_id in self._running.get(command.uid, ()) or command.cmd_id in relayed:
            # Its result could not be told from the other's.
            answer(False, f'a command with cmd_id {command.cmd_id} is running; choose another')
            return
        relayed[command.cmd_id] = None
        if len(relayed) > _MAX_RELAYED:
            relayed.popitem(last=False)
        ticket = next(self._tickets)
        self._asked[ticket] = command, answer
        self._gateway.send(command, ticket)

    def _on_relay_answered(self, ticket: int, is_valid: bool, error: str) -> None:
        command, answer = self._asked.pop(ticket)
        if not is_valid:
            self._relayed.get(command.uid, OrderedDict()).pop(command.cmd_id, None)
        answer(is_valid, error)

    def _wake(self, work: Callable[[], None]) -> None:
        executor = self._node.executor
        if executor is not None:
            executor.create_task(work)


def connection_info(uid: int, device: FleetDevice, event_time_s: float) -> ConnectionInfo:
    """Return the message about a device's connection, as peers of the gateway get it."""
    return ConnectionInfo(device.device_id, uid, device.device_type, event_time_s)
