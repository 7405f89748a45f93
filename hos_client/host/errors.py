"""
Every error that drivers and interfaces raise on purpose.

    HostError
    ├── ActionError (RuntimeError)             an action failed; its caller reads the text
    ├── DeviceUnavailableError (OSError)       a device cannot be used now, and is tried again
    └── HandlerError (ValueError)              a handler cannot be loaded

The text of each says what is wrong, where, and what to do.
"""

from __future__ import annotations

from ..errors import ClientError


class HostError(ClientError):
    """The root: catch this to catch everything a host raises on purpose."""


class ActionError(HostError, RuntimeError):
    """An action failed; its text is what the caller gets."""


class DeviceUnavailableError(HostError, OSError):
    """
    A device cannot be used at present: its port is busy, or its cable was pulled.

    Raised in a driver's constructor it means: try again later.
    """


class HandlerError(HostError, ValueError):
    """An interface or a driver cannot be loaded."""
