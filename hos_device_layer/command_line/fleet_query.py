"""Asks the running device manager what devices there are and what they offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hos_interfaces.srv import DescribeDevices

from ..services import DESCRIBE_DEVICES_SERVICE
from .ros_session import RosSession


def describe_devices(session: RosSession, device_ids: Sequence[str] = ()) -> Any:
    """Return the answer of the manager, by default for all devices; raises NoManagerError."""
    request = DescribeDevices.Request(device_ids=list(device_ids))
    return session.ask(DescribeDevices, DESCRIBE_DEVICES_SERVICE, request)
