"""Which web pages may open a connection: any page a user visits could try to."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

# What the common WebSocket library for Arduino sends; a browser sends `null` for a file.
_FIRMWARE_ORIGIN = 'file://'


def is_allowed_origin(
    origin: str | None, host: str, allowed: Collection[str], own_names: Collection[str]
) -> bool:
    """
    Judge the `Origin` header of a handshake; programs that are no browsers send none.

    Allowed are the origins listed, or all with `*`, and pages that came from this very server:
    its `Host` header has to be an address or one of `own_names`, since a page of a foreign name
    that is made to resolve to this machine would otherwise pass.
    """
    if origin is None or origin == _FIRMWARE_ORIGIN or origin in allowed or '*' in allowed:
        return True
    try:
        parts = urlsplit(origin)
        own = urlsplit(f'//{host}')
        same = parts.hostname == own.hostname and _port(parts.port, parts.scheme) == (
            _port(own.port, parts.scheme)
        )
        return same and own.hostname is not None and _is_own(own.hostname, own_names)
    except ValueError:
        return False


def _port(port: int | None, scheme: str) -> int:
    return port if port is not None else 443 if scheme == 'https' else 80


def _is_own(hostname: str, own_names: Collection[str]) -> bool:
    if hostname in own_names:
        return True
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True
