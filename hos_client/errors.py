"""
Every error this package raises on purpose.

    ClientError
    ├── DeviceError (ValueError)         a device, a tag or a set of devices is used wrongly
    │   └── UnknownDeviceError (KeyError)
    ├── ConfigurationError (ValueError)  a setting cannot be understood
    └── TaskError (ValueError)           a task is answered wrongly
"""

from __future__ import annotations

from hos_device_layer.core.errors import HosError


class ClientError(HosError):
    """The root: catch this to catch everything this package raises on purpose."""


class DeviceError(ClientError, ValueError):
    """A device, a tag or a set of devices is used wrongly."""


class UnknownDeviceError(DeviceError, KeyError):
    """There is no device of this id; carries it as `device_id`."""

    def __init__(self, device_id: str) -> None:
        super().__init__(f'there is no device {device_id!r}; add it first')
        self.device_id = device_id


class ConfigurationError(ClientError, ValueError):
    """A setting cannot be understood."""


class TaskError(ClientError, ValueError):
    """A task is answered wrongly."""
