"""Which web pages may open a connection; otherwise any page that a user visits could."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

# Sent by the common WebSocket library for Arduino, and by some browsers for a file. Most browsers
# send `null` for a file.
_FIRMWARE_ORIGIN = 'file://'


# RFC 3986 section 3.2, without a user: all that a browser sends.
_HOST_AND_PORT = re.compile(r'(\[[^\s/?#@\\\[\]]+\]|[^\s/?#@\\\[\]:]+)(:[0-9]*)?')


class PageOrigin(enum.Enum):
    """Where the web page comes from that opens a connection; only browsers tell it."""

    NONE = 'none'
    FIRMWARE = 'firmware'
    OWN = 'own'  # a page that this server has delivered
    LISTED = 'listed'
    FOREIGN = 'foreign'


def page_origin(
    origin: str | None, host: str, allowed: Collection[str], own_names: Collection[str]
) -> PageOrigin:
    """
    Judge the `Origin` header of a request; `allowed` lists origins, `*` stands for all.

    A page is only an own one if `host`, the `Host` header, is an own name too: otherwise a page
    from any host name that resolves to this machine would be one.
    """
    if origin is None:
        return PageOrigin.NONE
    if origin == _FIRMWARE_ORIGIN:
        return PageOrigin.FIRMWARE
    if _is_same(origin, host) and is_own_host(host, own_names):
        return PageOrigin.OWN
    if origin in allowed or '*' in allowed:
        return PageOrigin.LISTED
    return PageOrigin.FOREIGN


def is_own_host(host: str, own_names: Collection[str]) -> bool:
    """Return whether a `Host` header is a numeric address or one of `own_names`, lower case."""
    if not _HOST_AND_PORT.fullmatch(host):
        return False
    try:
        hostname = urlsplit(f'//{host}').hostname or ''
    except ValueError:
        return False
    if hostname in own_names:
        return True
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True


def host_names(origins: Collection[str]) -> frozenset[str]:
    """Return the host names of origins, lower case."""
    names: set[str] = set()
    for origin in origins:
        try:
            names.add(urlsplit(origin).hostname or '')
        except ValueError:
            continue
    return frozenset(names - {''})


def _is_same(origin: str, host: str) -> bool:
    try:
        page, own = urlsplit(origin), urlsplit(f'//{host}')
        return (
            page.hostname == own.hostname
            and '@' not in page.netloc
            and (_port(page.port, page.scheme) == _port(own.port, page.scheme))
        )
    except ValueError:
        return False


def _port(port: int | None, scheme: str) -> int:
    return port if port is not None else 443 if scheme == 'https' else 80
