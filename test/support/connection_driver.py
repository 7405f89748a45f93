"""Drives the connection of one device in tests."""

from virtual_fleet import LIFT, at, make_spec

from hos_device_layer.core.dispatch.connections import Connections
from hos_device_layer.core.dispatch.effects import PublishConnectionEvent
from hos_device_layer.core.dispatch.events import ConnectRequested, LinkClosed, Pinged
from hos_device_layer.core.dispatch.fleet_index import FleetIndex

TIMEOUT_S, DISCONNECT_S = 20.0, 15.0
UID = LIFT.uid
ROS = 'ros'

WITH, WITHOUT = (FleetIndex(make_spec(devices), 'lab') for devices in ([LIFT], []))


def make_connections(fleet=WITH):
    return Connections(fleet, TIMEOUT_S, DISCONNECT_S, 10, at(0.0))


def published(effects):
    """Return the connection events among effects."""
    return [effect.event for effect in effects if isinstance(effect, PublishConnectionEvent)]


def connect(connections, now=0.0):
    return published(connections.connect_requested(ConnectRequested(UID), at(now), ROS))


def ping(connections, now=0.0):
    return published(connections.pinged(Pinged(UID), at(now), ROS))


def close(connections, now=0.0):
    return published(connections.link_closed(LinkClosed(UID), at(now), ROS))


def silence(connections, now=1e9):
    return published(connections.advance(now, at(now)))
