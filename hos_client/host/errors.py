"""
The errors of the host, and those that drivers and interfaces raise.

    HostError
    ├── ActionError (RuntimeError)             an action failed; the caller gets the text
    ├── DeviceUnavailableError (OSError)       a device cannot be used now; retried later
    └── HandlerError (ValueError)              a handler cannot be loaded

Each text says what is wrong, where, and what to do.
"""

from __future__ import annotations

from ..errors import ClientError


class HostError(ClientError):
    """Base class of every error that a host raises."""


class ActionError(HostError, RuntimeError):
    """An action failed; the caller gets the text."""


class DeviceUnavailableError(HostError, OSError):
    """
    A device cannot be used now, for example because its port is busy or was unplugged.

    The host closes the driver and opens the device again later.
    """


class HandlerError(HostError, ValueError):
    """An interface or a driver cannot be loaded."""
