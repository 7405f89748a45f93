"""A node that simulates the devices of a fleet: they connect, ping, stream and run commands."""

from __future__ import annotations

if __name__ == '__main__':
    # Before the other imports, which take up to a second.
    from ..exit_signals import exit_on_signals

    exit_on_signals()

import heapq
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hos_interfaces.msg import DeviceCommandResult, DeviceStream
from hos_interfaces.srv import ConnectDevice, DeviceCommand, SerializedDeviceCommand
from rclpy.node import Node
from std_msgs.msg import UInt32

from .. import services, topics
from ..core.dispatch.results import to_marked
from ..core.errors import ValueMismatchError
from ..core.spec.field_types import Value
from ..core.spec.records import Function
from ..core.text import counted
from ..database import LocalCopy
from ..database.installed import installed_device_db
from ..parameters import DEVICE_DB_PATH, FLEET, Parameter, ParameterError, declare, main_arguments
from ..qos import RESULT_QOS, SERVICE_QOS
from ..serving import serve
from ..spinning import run_node
from .simulated_device import SimulatedDevice

NODE_NAME = 'simulated_fleet'

PARAMETERS = (
    FLEET,
    DEVICE_DB_PATH,
    Parameter('ping_period_s', 5.0, 'Interval between the pings of a device [s].', low=0.01),
    Parameter(
        'stream_period_s',
        1.0,
        'Interval between the samples of each stream of a device [s].',
        low=0.01,
    ),
    Parameter('shortest_s', 0.05, 'Shortest duration of a command [s].'),
    Parameter(
        'longest_s',
        0.4,
        'Longest duration of a command [s]; 0: results are published inside the service handler.',
    ),
    Parameter('serialized_devices', True, 'Also simulate devices of types with a serialized API.'),
)

# How often results that are due are published, and unconnected devices call connect [s].
_RESULT_INTERVAL_S = 0.02
_CONNECT_INTERVAL_S = 0.1


class SimulatedFleet(Node):
    """All devices of a fleet that have a uid, in one ROS node; raises HosError."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__(NODE_NAME, **node_options)
        values = declare(self, PARAMETERS)
        folder, fleet = values['device_db_path'] or installed_device_db(), values['fleet']
        self._shortest_s, self._longest_s = values['shortest_s'], values['longest_s']
        spec = LocalCopy(Path(folder)).read()
        if fleet not in spec.fleets:
            known = ', '.join(sorted(spec.fleets)) or 'none'
            raise ParameterError(
                f'fleet: unknown fleet {fleet!r}; fleets of the specification in {folder}: {known}'
            )
        self._devices = [
            _SimulatedRosDevice(self, SimulatedDevice(device, spec))
            for device in spec.fleets[fleet].values()
            if device.uid is not None
            and (
                values['serialized_devices']
                or not spec.device_types[device.device_type].serialized_api
            )
        ]
        self._ping_publisher = self.create_publisher(UInt32, topics.DEVICE_PING_TOPIC, 100)
        self._result_publisher = self.create_publisher(
            DeviceCommandResult, topics.DEVICE_CMD_RESULT_TOPIC, RESULT_QOS
        )
        self._connect_client = self.create_client(
            ConnectDevice, services.CONNECT_DEVICE_SERVICE, qos_profile=SERVICE_QOS
        )
        self._due: list[tuple[float, int, DeviceCommandResult]] = []
        self._order = itertools.count()
        self._unconnected = list(self._devices)
        self._call_in_turn(values['ping_period_s'], _SimulatedRosDevice.ping)
        self._call_in_turn(values['stream_period_s'], _SimulatedRosDevice.publish_samples)
        self.create_timer(_RESULT_INTERVAL_S, self._publish_due)
        self.create_timer(_CONNECT_INTERVAL_S, self._connect)
        self.get_logger().info(
            f'simulating {counted(len(self._devices), "device")} of fleet {fleet!r}'
        )

    def report(self, device: SimulatedDevice, cmd_id: int, values: str) -> None:
        """Publish the result of a command when its duration has passed."""
        message = DeviceCommandResult(
            uid=device.device.uid, cmd_id=cmd_id, success=True, result_str=values
        )
        if self._longest_s <= 0:
            self._result_publisher.publish(message)
            return
        due = time.monotonic() + device.duration(self._shortest_s, self._longest_s)
        heapq.heappush(self._due, (due, next(self._order), message))

    def publish_ping(self, uid: int) -> None:
        """Publish a ping of a device."""
        self._ping_publisher.publish(UInt32(data=uid))

    def _call_in_turn(
        self, period_s: float, action: Callable[[_SimulatedRosDevice], None]
    ) -> None:
        """Call an action for each device once per period."""
        # Spread over the period, so that a large fleet does not cause bursts.
        if not self._devices:
            return
        turn = itertools.cycle(self._devices)
        self.create_timer(period_s / len(self._devices), lambda: action(next(turn)))

    def _publish_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            self._result_publisher.publish(heapq.heappop(self._due)[2])

    def _connect(self) -> None:
        if not self._unconnected or not self._connect_client.service_is_ready():
            return
        for device in self._unconnected:
            self._connect_client.call_async(ConnectDevice.Request(uid=device.uid))
        # Not repeated: the device manager also learns of the devices from their pings.
        self._unconnected.clear()


class _SimulatedRosDevice:
    """The ROS entities of one simulated device."""

    def __init__(self, fleet: SimulatedFleet, device: SimulatedDevice) -> None:
        assert device.device.uid is not None
        self.uid = device.device.uid
        self._fleet = fleet
        self._device = device
        self._publishers = [
            (
                stream,
                fleet.create_publisher(
                    DeviceStream, topics.DEVICE_STREAM_TOPIC(self.uid, stream.name), 10
                ),
            )
            for stream in device.streams
        ]
        if device.is_serialized:
            serve(
                fleet,
                SerializedDeviceCommand,
                services.SERIALIZED_DEVICE_COMMAND_SERVICE(self.uid),
                self._on_serialized_command,
            )
        else:
            serve(
                fleet, DeviceCommand, services.DEVICE_COMMAND_SERVICE(self.uid), self._on_command
            )

    def ping(self) -> None:
        self._fleet.publish_ping(self.uid)

    def publish_samples(self) -> None:
        for stream, publisher in self._publishers:
            data = to_marked(self._device.sample(stream), stream.values)
            publisher.publish(DeviceStream(uid=self.uid, data=data))

    def _on_command(self, request: Any, response: Any) -> Any:
        texts = [field.data for field in request.args]
        return self._run(request, response, lambda f: self._device.read_arguments(f, texts))

    def _on_serialized_command(self, request: Any, response: Any) -> Any:
        command = request.serialized_command
        return self._run(request, response, lambda f: self._device.read_serialized(f, command))

    def _run(
        self, request: Any, response: Any, read: Callable[[Function], dict[str, Value]]
    ) -> Any:
        try:
            function = self._device.functions[request.function_name]
            values = self._device.run(function, read(function))
        except KeyError:
            known = ', '.join(sorted(self._device.functions)) or 'none'
            response.error = (
                f'unknown function {request.function_name!r}; functions of this device: {known}'
            )
        except ValueMismatchError as error:
            response.error = str(error)
        else:
            response.is_valid = True
            self._fleet.report(self._device, request.cmd_id, to_marked(values, function.results))
        return response


def main(arguments: list[str] | None = None) -> int:
    """Simulate a fleet until SIGINT or SIGTERM; returns the exit code."""
    return run_node(NODE_NAME, SimulatedFleet, main_arguments(arguments, PARAMETERS))


if __name__ == '__main__':
    sys.exit(main())
