"""The state of all devices, on /diagnostics (REP 107)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node

from .core.dispatch.connection_states import ConnectionState
from .core.dispatch.connections import DeviceConnection
from .core.dispatch.dispatcher import Dispatcher
from .core.health import Finding, spec_findings, summarize
from .core.spec.records import FleetDevice
from .core.spec.tables import fleet_table
from .guarding import guarded
from .qos import DIAGNOSTICS_QOS

DIAGNOSTICS_TOPIC = '/diagnostics'  # https://www.ros.org/reps/rep-0107.html

_LEVELS = {
    ConnectionState.EXPECTED: DiagnosticStatus.STALE,
    ConnectionState.WAITING: DiagnosticStatus.WARN,
    ConnectionState.CONNECTED: DiagnosticStatus.OK,
    ConnectionState.TIMED_OUT: DiagnosticStatus.WARN,
    ConnectionState.DISCONNECTED: DiagnosticStatus.ERROR,
}


# Returns what is wrong with a part of the device manager now.
FindingSource = Callable[[], Iterable[Finding]]


class Diagnostics:
    """
    Publishes one status for the manager and one for each device while there are subscribers.

    The manager's status has every reason why it does not work as it was set up: those of the
    specification, and those that `sources` return.
    """

    def __init__(self, node: Node, dispatcher: Dispatcher, *sources: FindingSource) -> None:
        self._node = node
        self._dispatcher = dispatcher
        self._sources = sources
        self._publisher = node.create_publisher(
            DiagnosticArray,
            DIAGNOSTICS_TOPIC,
            DIAGNOSTICS_QOS,
            # A new subscriber receives the current state immediately.
            event_callbacks=PublisherEventCallbacks(
                matched=guarded(node, lambda _: self.publish())
            ),
        )
        self._prefix = node.get_fully_qualified_name().lstrip('/')

    def publish(self) -> None:
        """Publish the current state."""
        if self._publisher.get_subscription_count() == 0:
            return
        message = DiagnosticArray(status=[self._manager_status(), *self._device_statuses()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _manager_status(self) -> DiagnosticStatus:
        dispatcher = self._dispatcher
        findings = [finding for source in self._sources for finding in source()]
        summary = summarize([*findings, *spec_findings(dispatcher.spec, dispatcher.fleet)])
        return DiagnosticStatus(
            level=bytes([summary.severity]),
            name=self._prefix,
            message=summary.text,
            hardware_id=self._prefix,
            values=_key_values(
                fleet=dispatcher.fleet,
                connected=len(dispatcher.connections.connected()),
                tasks=len(dispatcher.tasks),
            ),
        )

    def _device_statuses(self) -> list[DiagnosticStatus]:
        statuses = [self._status(connection) for connection in self._dispatcher.connections]
        for device in self._dispatcher.devices.values():
            if device.uid is None:
                statuses.append(self._uidless_status(device))
        return statuses

    def _status(self, connection: DeviceConnection) -> DiagnosticStatus:
        device, uid = connection.device, connection.uid
        if device is None:
            name = f'uid{uid}'
            remedy = f': {self._dispatcher.unknown_uid(uid, connection.description)}'
        else:
            name, remedy = device.device_id, ''
        return DiagnosticStatus(
            level=_LEVELS[connection.state],
            name=f'{self._prefix}: {name}',
            message=connection.state.value + remedy,
            hardware_id=f'uid{uid}',
            values=_key_values(
                device_id=device.device_id if device else '',
                device_uid=uid,
                device_type=device.device_type if device else '',
                state=connection.state.value,
                since_s=f'{connection.since.epoch:.3f}',
                last_seen_s=f'{seen.epoch:.3f}' if (seen := connection.last_seen) else '',
                # The specification describes the devices of the fleet.
                description='' if device else connection.description,
                tasks=len(self._dispatcher.tasks.of_device(uid)),
            ),
        )

    def _uidless_status(self, device: FleetDevice) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=DiagnosticStatus.STALE,
            name=f'{self._prefix}: {device.device_id}',
            message=f'has no uid: enter it in the table {fleet_table(device.fleet)}',
            hardware_id='',
            values=_key_values(
                device_id=device.device_id,
                device_uid='',
                device_type=device.device_type,
                state=ConnectionState.EXPECTED.value,
                tasks=0,
            ),
        )


def _key_values(**values: object) -> list[KeyValue]:
    return [KeyValue(key=key, value=str(value)) for key, value in values.items()]
