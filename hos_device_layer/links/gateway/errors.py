"""Errors of the gateway."""

from __future__ import annotations

import errno
import socket

from ...core.errors import HosError

_ADDRESS = 'set the parameter gateway_address to an address of this computer'


class GatewayError(HosError, OSError):
    """The gateway cannot be started."""


def listen_error(address: str, port: int, error: Exception) -> GatewayError:
    """Return why the gateway cannot listen on an address and port, and what to do."""
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return GatewayError(
        f'the gateway cannot listen on {address} port {port}: {reason}; {_advice(error)}'
    )


def _advice(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return f'the name cannot be resolved: {_ADDRESS}, or 0.0.0.0 for all of them'
    match getattr(error, 'errno', None):
        case errno.EADDRINUSE:
            return 'end the program that uses the port, or set the parameter gateway_port'
        case errno.EADDRNOTAVAIL:
            return f'{_ADDRESS}, or 0.0.0.0 for all of them'
        case errno.EACCES:
            return 'set the parameter gateway_port to 1024 or more, or allow this user lower ports'
    return 'set the parameter gateway_address or gateway_port'
