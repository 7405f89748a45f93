"""Which web pages may open a connection; otherwise any page that a user visits could."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

# Sent by the common WebSocket library for Arduino; a browser sends `null` for a file.
_FIRMWARE_ORIGIN = 'file://'


def is_allowed_origin(
    origin: str | None, host: str, allowed: Collection[str], own_names: Collection[str]
) -> bool:
    """
    Return whether the `Origin` header of a handshake is allowed; only browsers send one.

    Allowed are the listed origins (all with `*`) and pages that this server has delivered. For
    the latter, the `Host` header must be an address or one of `own_names`: otherwise a page from
    any host name that resolves to this machine would be allowed too.
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
