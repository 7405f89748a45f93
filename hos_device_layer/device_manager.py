"""The device manager: the ROS node that joins the specification, the devices and their callers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from hos_interfaces.msg import ConnectionInfo, DeviceAPICallResult, DeviceCommandResult
from hos_interfaces.srv import ConnectDevice, DeviceAPICall, DeviceConnectionInfos
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import UInt32

from . import services, topics
from .core.dispatch.calls import Argument
from .core.dispatch.connections import ConnectionEvent
from .core.dispatch.dispatcher import Dispatcher
from .core.dispatch.effects import Effect, PublishConnectionEvent, PublishResult
from .core.errors import CallRefusedError, UnknownUidError
from .core.log_rate_limiter import LogRateLimiter
from .core.rosbridge import messages
from .core.rosbridge.messages import DeviceAPICallResponse, TypedField
from .core.spec.fleet import fleet_of
from .core.spec.records import FleetDevice, Spec, Stream
from .core.timestamp import Timestamp
from .diagnostics import Diagnostics
from .links.gateway import GatewayError
from .links.gateway.link import GatewayLink, connection_info
from .links.ros.link import RosLink
from .links.routes import Routes
from .parameters import declare_parameters
from .qos import EVENT_QOS, PING_QOS, RESULT_QOS, SERVICE_QOS
from .spec_reloading import SpecReloading
from .spinning import run_node
from .task_ids import task_ids_or_random

NODE_NAME = 'device_manager'

# How late a timeout may be noticed, and a held command be sent [s].
_TICK_S = 0.05

# Between two ticks that are further apart this process stood still [s].
_STOOD_STILL_S = 0.2

# What devices and callers may write into the log; more than a person reads anyway. A whole fleet
# that connects at once has lines of its own: no complaint is to be lost among them.
_COMPLAINTS_PER_S = 20
_CHANGES_PER_S = 100

# What is published faster than this overruns its readers' buffers, and DDS would send it again
# only seconds after the manager has stopped.
_BURST = 50
_BURST_S = 0.004

# How long the last results may take to reach their readers when the manager stops [s].
_FLUSH_S = 0.5

_NOTICE_TOPICS = {
    ConnectionEvent.CONNECTED: topics.DEVICE_CONNECTED,
    ConnectionEvent.TIMEOUT: topics.DEVICE_TIMEOUT,
    ConnectionEvent.RECONNECTED: topics.DEVICE_RECONNECTED,
    ConnectionEvent.DISCONNECTED: topics.DEVICE_DISCONNECTED,
}


class DeviceManager(Node):
    """
    Connects the devices of a fleet and runs API calls on them.

    Its topics and services are those of `topics` and `services`, its parameters those of
    `parameters`. To be spun by one thread. Raises ParameterError.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__(NODE_NAME, **node_options)
        self.settings = declare_parameters(self)
        self._last_tick_s = time.monotonic()
        self._stood_still_s = 0.0
        self._complaints = LogRateLimiter(_COMPLAINTS_PER_S)
        self._changes = LogRateLimiter(_CHANGES_PER_S)
        self._reloading = SpecReloading(
            self, self.settings, lambda: self.dispatcher.spec, self.replace_spec
        )
        self.dispatcher = Dispatcher(
            self._reloading.first_spec(),
            self.settings.fleet,
            self.settings.limits,
            task_ids_or_random(self.settings.state_folder, self.get_logger().error),
            self._now(),
        )
        self._ros_link = RosLink(self, self)
        self._gateway: GatewayLink | None = None
        self._routes = Routes()
        self._ros_events = self._routes.add(self._ros_link, self)
        self._create_publishers()
        self._create_subscriptions()
        self._create_services()
        self._create_timers()
        self._reloading.start()
        count = len(self.dispatcher.devices)
        self.get_logger().info(f'fleet {self.settings.fleet!r}: {count} devices expected')

    def stop(self) -> None:
        """End the running tasks and see that their results arrive."""
        self._reloading.stop()
        effects = self.dispatcher.stop(self._now())
        for start in range(0, len(effects), _BURST):
            self._carry_out(effects[start : start + _BURST])
            time.sleep(_BURST_S)
        self._result_publisher.wait_for_all_acked(Duration(seconds=_FLUSH_S))
        if self._gateway is not None:
            self._gateway.stop()
        self._ros_link.stop()

    def replace_spec(self, spec: Spec) -> None:
        """Go on with another specification; running tasks end under the one before."""
        before = self.dispatcher.spec
        self._carry_out(self.dispatcher.replace_spec(spec, self._now()))
        self._offer_to_hosts()
        changed = {name for name in spec.device_types if _way(before, name) != _way(spec, name)}
        for connection in self.dispatcher.connected():
            if connection.device is not None and connection.device.device_type in changed:
                self._open(connection.device)

    # What devices do (links.DeviceEvents)

    def connect(self, uid: int) -> tuple[bool, str]:
        try:
            self._carry_out(self.dispatcher.connect(uid, self._now()))
        except UnknownUidError as error:
            self._warn(f'a device asks to connect: {error}')
            return False, str(error)
        return True, ''

    def ping(self, uid: int) -> None:
        self._carry_out(self.dispatcher.ping(uid, self._now()))

    def connection_closed(self, uid: int) -> None:
        self._carry_out(self.dispatcher.connection_closed(uid, self._now()))

    def command_answered(self, cmd_id: int, is_valid: bool, error: str) -> None:
        self._carry_out(self.dispatcher.command_answered(cmd_id, is_valid, error, self._now()))

    def command_result(
        self, uid: int, cmd_id: int, success: bool, error: str, result_str: str
    ) -> None:
        self._carry_out(
            self.dispatcher.command_result(uid, cmd_id, success, error, result_str, self._now())
        )

    def stream_sample(self, uid: int, stream_name: str, data: str) -> None:
        effects = self.dispatcher.stream_sample(uid, stream_name, data)
        self._carry_out(effects)
        if self._gateway is not None and not effects:
            self._gateway.publish_sample(uid, stream_name, data)

    # What callers do

    def call(self, device_id: str, function_name: str, arguments: list[Argument]) -> int:
        """Start a call and return its task id; raises CallRefusedError."""
        command = self.dispatcher.call(device_id, function_name, arguments, self._now())
        self._routes.send(command)
        return command.cmd_id

    def api_call(
        self, device_id: str, function_name: str, args: Sequence[TypedField]
    ) -> DeviceAPICallResponse:
        """Start a call of a gateway peer."""
        arguments = [Argument(field.name, field.type, field.data) for field in args]
        try:
            return DeviceAPICallResponse(True, '', self.call(device_id, function_name, arguments))
        except CallRefusedError as error:
            return DeviceAPICallResponse(False, str(error))

    def connected_devices(self) -> list[messages.ConnectionInfo]:
        """Return the devices that are connected now, for a gateway peer."""
        return [
            connection_info(connection.uid, connection.device, connection.since.epoch)
            for connection in self.dispatcher.connected()
            if connection.device is not None
        ]

    # Construction

    def _create_publishers(self) -> None:
        self._result_publisher = self.create_publisher(
            DeviceAPICallResult, topics.DEVICE_API_CALL_RESULT_TOPIC, RESULT_QOS
        )
        self._notice_publishers = {
            notice: self.create_publisher(ConnectionInfo, topic, EVENT_QOS)
            for notice, topic in _NOTICE_TOPICS.items()
        }

    def _create_subscriptions(self) -> None:
        self.create_subscription(UInt32, topics.DEVICE_PING_TOPIC, self._on_ping, PING_QOS)
        self.create_subscription(
            DeviceCommandResult,
            topics.DEVICE_CMD_RESULT_TOPIC,
            self._on_command_result,
            RESULT_QOS,
        )

    def _create_services(self) -> None:
        for service_type, name, callback in (
            (ConnectDevice, services.CONNECT_DEVICE_SERVICE, self._on_connect),
            (DeviceAPICall, services.DEVICE_API_CALL_SERVICE, self._on_api_call),
            (
                DeviceConnectionInfos,
                services.DEVICE_CONNECTION_INFOS_SERVICE,
                self._on_connected_devices,
            ),
        ):
            self.create_service(service_type, name, callback, qos_profile=SERVICE_QOS)

    def _create_timers(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        diagnostics = Diagnostics(self, self.dispatcher)
        self.create_timer(_TICK_S, self._on_tick, clock=steady)
        if self.settings.gateway is not None:
            # It needs the executor, which the node does not have yet.
            self._opening = self.create_timer(0.0, self._open_gateway, clock=steady)
        self.create_timer(self.settings.diagnostics_period_s, diagnostics.publish, clock=steady)

    def _open_gateway(self) -> None:
        self._opening.cancel()
        settings = self.settings.gateway
        assert settings is not None
        try:
            gateway = GatewayLink(
                self, settings, self._routes, self, self, self.settings.expose_device_services
            )
        except GatewayError as error:
            self.get_logger().error(f'{error}. Until then devices without ROS cannot connect.')
            return
        self._gateway = gateway
        self._offer_to_hosts()
        self.get_logger().info(f'gateway: {settings.url(gateway.port)}')

    def _offer_to_hosts(self) -> None:
        if self._gateway is not None:
            fleet = fleet_of(self.dispatcher.spec, self.settings.fleet)
            self._gateway.offer_to_hosts(fleet, self.settings.handlers_path)

    # ROS callbacks

    def _on_connect(self, request: Any, response: Any) -> Any:
        response.success, response.error = self._ros_events.connect(request.uid)
        return response

    def _on_ping(self, message: Any) -> None:
        self._ros_events.ping(message.data)

    def _on_command_result(self, message: Any) -> None:
        self.command_result(
            message.uid, message.cmd_id, message.success, message.error, message.result_str
        )

    def _on_api_call(self, request: Any, response: Any) -> Any:
        arguments = [Argument(field.name, field.type, field.data) for field in request.args]
        try:
            response.task_id = self.call(request.device_id, request.function_name, arguments)
            response.is_valid = True
        except CallRefusedError as error:
            response.error = str(error)
        return response

    def _on_connected_devices(self, _request: Any, response: Any) -> Any:
        response.device_infos = [
            _connection_info(connection.uid, connection.device, connection.since.epoch)
            for connection in self.dispatcher.connected()
            if connection.device is not None
        ]
        return response

    def _on_tick(self) -> None:
        self._notice_standstill()
        now = self._now()
        deadline = self.dispatcher.next_deadline()
        if deadline is not None and deadline <= now.steady:
            self._carry_out(self.dispatcher.advance(now))
        self._ros_link.send_held()
        if withheld := self._complaints.take_withheld():
            self.get_logger().warning(f'… and {withheld} more warnings like these')
        if withheld := self._changes.take_withheld():
            self.get_logger().info(f'… and {withheld} more devices that came or went')

    # Time

    def _now(self) -> Timestamp:
        return Timestamp(time.monotonic() - self._stood_still_s, time.time())

    def _notice_standstill(self) -> None:
        # While this process stands still it hears no device, so that time counts as no silence.
        last, self._last_tick_s = self._last_tick_s, time.monotonic()
        gap = self._last_tick_s - last
        if gap > _STOOD_STILL_S:
            self._stood_still_s += gap - _TICK_S

    # Effects

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, PublishResult):
                self._publish_result(effect)
            elif isinstance(effect, PublishConnectionEvent):
                self._publish_change(effect)
            else:
                self._warn(f'dropped: {effect.reason}')

    def _publish_result(self, result: PublishResult) -> None:
        self._routes.forget(result.uid, result.task_id)
        if self._gateway is not None:
            self._gateway.publish_result(result)
        self._result_publisher.publish(
            DeviceAPICallResult(
                task_id=result.task_id,
                success=result.success,
                error=result.error,
                result_jsons=result.result_jsons,
                request_time_s=result.request_time_s,
                response_time_s=result.response_time_s,
            )
        )

    def _publish_change(self, change: PublishConnectionEvent) -> None:
        notice, uid, device, event_time_s = change
        if self._changes.admit(time.monotonic()):
            self.get_logger().info(f'{device.device_id} (uid {uid}): {notice.value}')
        if notice in (ConnectionEvent.CONNECTED, ConnectionEvent.RECONNECTED):
            self._open(device)
        elif notice is ConnectionEvent.DISCONNECTED:
            self._routes.close(uid)
        self._notice_publishers[notice].publish(_connection_info(uid, device, event_time_s))
        if self._gateway is not None:
            self._gateway.publish_change(_NOTICE_TOPICS[notice], change)

    def _open(self, device: FleetDevice) -> None:
        serialized, streams = _way(self.dispatcher.spec, device.device_type)
        self._routes.open(device, serialized, streams)

    def _warn(self, text: str) -> None:
        if self._complaints.admit(time.monotonic()):
            self.get_logger().warning(text)


def _way(spec: Spec, device_type: str) -> tuple[bool, list[Stream]]:
    """Return what the way to devices depends on: how they take commands, and their streams."""
    known = spec.device_types.get(device_type)
    return known is not None and known.serialized_api, spec.streams_of(device_type)


def _connection_info(uid: int, device: FleetDevice, event_time_s: float) -> Any:
    return ConnectionInfo(
        device_id=device.device_id,
        device_uid=uid,
        device_type=device.device_type,
        event_time_s=event_time_s,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the device manager until SIGINT or SIGTERM; returns the exit code."""
    return run_node(NODE_NAME, DeviceManager, arguments, at_end=DeviceManager.stop)


if __name__ == '__main__':
    sys.exit(main())
