"""
The errors that this package raises.

    ClientError
    ├── DeviceError (ValueError)         invalid use of a device, a tag or a device store
    │   └── UnknownDeviceError (KeyError)
    ├── ConfigurationError (ValueError)  a setting is invalid
    ├── AuthenticationError (PermissionError)  the gateway does not accept the token
    └── TaskError (ValueError)           invalid use of a task
"""

from __future__ import annotations

from hos_device_layer.core.errors import HosError


class ClientError(HosError):
    """Base class of every error that this package raises."""


class DeviceError(ClientError, ValueError):
    """Invalid use of a device, a tag or a device store."""


class UnknownDeviceError(DeviceError, KeyError):
    """There is no device with this id, which is `device_id`."""

    def __init__(self, device_id: str) -> None:
        super().__init__(f'unknown device {device_id!r}; add it first')
        self.device_id = device_id


class ConfigurationError(ClientError, ValueError):
    """A setting is invalid."""


class AuthenticationError(ClientError, PermissionError):
    """The gateway does not accept the token of this client, or requires one."""


class TaskError(ClientError, ValueError):
    """Invalid use of a task."""
