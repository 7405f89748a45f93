"""The ROS entities of one device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hos_interfaces.msg import TypedField
from hos_interfaces.srv import DeviceCommand, SerializedDeviceCommand
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from ...core.dispatch.commands import Command
from ...core.dispatch.events import CommandAnswered, SendFailed, StreamSampled
from ...guarding import guarded
from ...qos import SERVICE_QOS
from ...services import DEVICE_COMMAND_SERVICE, SERIALIZED_DEVICE_COMMAND_SERVICE
from ...topics import DEVICE_STREAM_TOPIC
from ..link import Handle
from .streams import StreamSubscription, StreamSubscriptions


class RosDevice:
    """The client and the stream subscriptions of one device; `link` is the name of its link."""

    def __init__(
        self,
        node: Node,
        uid: int,
        serialized: bool,
        handle: Handle,
        link: str,
        streams: StreamSubscriptions,
    ) -> None:
        self.serialized = serialized
        self.is_ready = False
        # DDS drops a request that is sent before the service is discovered.
        self._held: dict[int, Command] = {}
        self._node = node
        self._uid = uid
        self._report = partial(handle, link)
        self._awaited: dict[int, Future] = {}
        self._streams = streams
        self._subscriptions: dict[str, StreamSubscription] = {}
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
        """Subscribe to these streams, as their publishers offer them, and to no others."""
        for name in self._subscriptions.keys() - set(stream_names):
            self._subscriptions.pop(name).destroy()
        for subscription in self._subscriptions.values():
            subscription.check()
        for name in set(stream_names) - self._subscriptions.keys():
            topic = DEVICE_STREAM_TOPIC(self._uid, name)
            self._subscriptions[name] = self._streams.create(topic, self._on_sample(name))

    def send(self, command: Command) -> bool:
        """Send a command and return True, or hold it if the service is not discovered yet."""
        if not self._check_ready():
            self._held[command.cmd_id] = command
            return False
        if self._held:
            self.send_held()
        future = self._client.call_async(
            _serialized_request(command) if self.serialized else _typed_request(command)
        )
        self._awaited[command.cmd_id] = future
        future.add_done_callback(guarded(self._node, partial(self._on_answer, command.cmd_id)))
        return True

    def send_held(self) -> bool:
        """Send the held commands if the service has been discovered; returns whether it has."""
        if not self._check_ready():
            return not self._held
        held, self._held = self._held, {}
        for command in held.values():
            try:
                self.send(command)
            except Exception as error:
                # One command that cannot be sent must not hold up the others.
                self._report(SendFailed(command.cmd_id, f'it could not be sent: {error!r}'))
        return True

    def withdraw(self, cmd_id: int) -> None:
        """Do not send a held command; ignore the answer to one that was sent."""
        future = self._awaited.pop(cmd_id, None)
        if future is not None:
            self._client.remove_pending_request(future)
        else:
            self._held.pop(cmd_id, None)

    def destroy(self) -> None:
        """Destroy the client and the subscriptions."""
        self.destroy_client()
        self.destroy_subscriptions()

    def destroy_client(self) -> None:
        """Destroy the client."""
        self._node.destroy_client(self._client)

    def destroy_subscriptions(self) -> None:
        """Destroy the subscriptions."""
        for subscription in self._subscriptions.values():
            subscription.destroy()

    def _check_ready(self) -> bool:
        # A query of the ROS graph costs more than the call itself, so a positive answer is cached.
        if not self.is_ready:
            self.is_ready = self._client.service_is_ready()
        return self.is_ready

    def _on_answer(self, cmd_id: int, future: Future) -> None:
        if self._awaited.pop(cmd_id, None) is None:
            return
        answer = future.result()
        self._report(CommandAnswered(self._uid, cmd_id, answer.is_valid, answer.error))

    def _on_sample(self, stream_name: str) -> Callable[[Any], None]:
        def on_sample(message: Any) -> None:
            subscription = self._subscriptions.get(stream_name)
            is_latched = subscription is not None and subscription.is_latched
            self._report(StreamSampled(self._uid, stream_name, message.data, is_latched))

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
