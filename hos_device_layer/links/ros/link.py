"""Devices that serve ROS services themselves, or stand behind a rosbridge server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hos_interfaces.msg import DeviceStream, TypedField
from hos_interfaces.srv import DeviceCommand, SerializedDeviceCommand
from rclpy.client import Client
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.task import Future

from ...core.dispatch.commands import Command
from ...core.spec.records import FleetDevice, Stream
from ...guarding import guarded
from ...qos import SERVICE_QOS, stream_qos
from ...services import DEVICE_COMMAND_SERVICE, SERIALIZED_DEVICE_COMMAND_SERVICE
from ...topics import DEVICE_STREAM_TOPIC
from ..link import DeviceEvents


class RosLink:
    """A link over ROS services and topics: one client a device, one subscription a stream."""

    def __init__(self, node: Node, events: DeviceEvents) -> None:
        self._node = node
        self._events = events
        self._peers: dict[int, _Peer] = {}
        self._holding: set[_Peer] = set()

    def stop(self) -> None:
        """Free everything; a node that ends with hundreds of devices takes far longer for it."""
        # Fast DDS asks for each entity that ends whether its types are still in use: it looks
        # through all readers of this process, services first. So each type is kept in use there
        # until the last client has ended: 500 devices take 0.6 s instead of 2 s.
        for service_type in (DeviceCommand, SerializedDeviceCommand):
            self._node.create_service(
                service_type, f'~/{service_type.__name__}', lambda _, response: response
            )
        for peer in self._peers.values():
            peer.destroy_client()
        for peer in self._peers.values():
            peer.destroy_subscriptions()
        self._peers.clear()

    def open(self, device: FleetDevice, serialized: bool, streams: list[Stream]) -> None:
        assert device.uid is not None
        peer = self._peers.get(device.uid)
        if peer is not None and peer.serialized is not serialized:
            self.close(device.uid)
            peer = None
        if peer is None:
            peer = self._peers[device.uid] = _Peer(
                self._node, device.uid, serialized, self._events
            )
        peer.subscribe([stream.name for stream in streams])
        # A device that connects again may be another process: its service is looked for anew.
        peer.is_ready = False

    def send(self, command: Command) -> None:
        peer = self._peers[command.uid]
        if not peer.send(command):
            self._holding.add(peer)

    def forget(self, uid: int, cmd_id: int) -> None:
        peer = self._peers.get(uid)
        if peer is not None:
            peer.forget(cmd_id)

    def close(self, uid: int) -> None:
        peer = self._peers.pop(uid, None)
        if peer is not None:
            self._holding.discard(peer)
            peer.destroy()

    def reaches(self, uid: int) -> bool:
        # The graph would tell, slowly; a device that is not opened may be there or not.
        return uid in self._peers

    def send_held(self) -> None:
        """Send the commands that wait until their device's service is discovered."""
        self._holding = {peer for peer in self._holding if not peer.send_held()}


class _Peer:
    """The ROS entities of one device."""

    def __init__(self, node: Node, uid: int, serialized: bool, events: DeviceEvents) -> None:
        self.serialized = serialized
        self.is_ready = False
        # DDS drops a request that is sent before the service is discovered.
        self._held: dict[int, Command] = {}
        self._node = node
        self._uid = uid
        self._events = events
        self._awaited: dict[int, Future] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._client: Client = (
            node.create_client(
                SerializedDeviceCommand,
                SERIALIZED_DEVICE_COMMAND_SERVICE(uid),
                qos_profile=SERVICE_QOS,
            )
            if serialized
            else node.create_client(
                DeviceCommand, DEVICE_COMMAND_SERVICE(uid), qos_profile=SERVICE_QOS
            )
        )

    def subscribe(self, stream_names: list[str]) -> None:
        for name in self._subscriptions.keys() - set(stream_names):
            self._node.destroy_subscription(self._subscriptions.pop(name))
        for name in set(stream_names) - self._subscriptions.keys():
            topic = DEVICE_STREAM_TOPIC(self._uid, name)
            self._subscriptions[name] = self._node.create_subscription(
                DeviceStream, topic, self._on_sample(name), stream_qos(self._node, topic)
            )

    def send(self, command: Command) -> bool:
        """Send a command, or hold it; returns whether none is held."""
        self._held[command.cmd_id] = command
        return self.send_held()

    def send_held(self) -> bool:
        """Send what is held if the device's service is there; returns whether none is held."""
        if self._check_ready():
            held, self._held = self._held, {}
            for command in held.values():
                self._send(command)
        return not self._held

    def forget(self, cmd_id: int) -> None:
        future = self._awaited.pop(cmd_id, None)
        if future is not None:
            self._client.remove_pending_request(future)
        else:
            self._held.pop(cmd_id, None)

    def destroy(self) -> None:
        self.destroy_client()
        self.destroy_subscriptions()

    def destroy_client(self) -> None:
        self._node.destroy_client(self._client)

    def destroy_subscriptions(self) -> None:
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)

    def _check_ready(self) -> bool:
        # Asking the graph costs more than the call itself, so a yes is remembered.
        if not self.is_ready:
            self.is_ready = self._client.service_is_ready()
        return self.is_ready

    def _send(self, command: Command) -> None:
        future = self._client.call_async(
            _serialized_request(command) if self.serialized else _typed_request(command)
        )
        self._awaited[command.cmd_id] = future
        on_answer = partial(self._on_answer, command.cmd_id)
        future.add_done_callback(guarded(self._node, on_answer))

    def _on_answer(self, cmd_id: int, future: Future) -> None:
        if self._awaited.pop(cmd_id, None) is None:
            return
        answer = future.result()
        self._events.command_answered(cmd_id, answer.is_valid, answer.error)

    def _on_sample(self, stream_name: str) -> Callable[[Any], None]:
        def on_sample(message: Any) -> None:
            self._events.stream_sample(self._uid, stream_name, message.data)

        return on_sample


def _serialized_request(command: Command) -> Any:
    return SerializedDeviceCommand.Request(
        cmd_id=command.cmd_id,
        serialized_command=command.serialized,
        function_name=command.function.name,
    )


def _typed_request(command: Command) -> Any:
    fields = [
        TypedField(name=field.name, type=field.type.value, data=text)
        for field, text in zip(command.function.arguments, command.arguments)
    ]
    return DeviceCommand.Request(
        cmd_id=command.cmd_id,
        function_name=command.function.name,
        num_args=len(fields),
        args=fields,
    )
