"""The addresses of peers, also of those behind a proxy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from typing import TypeAlias

IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 7239 section 4: for=192.0.2.43, for="[2001:db8::17]:4711"; a proxy may also hide an address.
_FOR = re.compile(r'(?:^|[;,])\s*for\s*=\s*("[^"]*"|[^\s;,]*)', re.IGNORECASE)


def forwarded_addresses(values: Sequence[str]) -> list[str]:
    """Return the addresses in `Forwarded` headers (RFC 7239), the one of the peer first."""
    return [found.strip('"') for value in values for found in _FOR.findall(value)]


def listed_addresses(values: Sequence[str]) -> list[str]:
    """Return the addresses in `X-Forwarded-For` headers, the one of the peer first."""
    return [part.strip() for value in values for part in value.split(',')]


def peer_address(address: str, forwarded: Sequence[str], proxies: Collection[IpNetwork]) -> str:
    """
    Return the address of a peer.

    `address` is the one of the connection and `forwarded` what was added on the way. Each proxy
    adds the address that it sees; what stands before the one that the first trusted proxy has
    added may be invented.
    """
    for hop in reversed(forwarded):
        if not is_in(address, proxies):
            return address
        found = _parsed(hop)
        if found is None:
            return address
        address = str(found)
    return address


def is_in(address: str, networks: Collection[IpNetwork]) -> bool:
    """Return whether an address belongs to one of the networks."""
    found = _parsed(address)
    return found is not None and any(
        found.version == network.version and found in network for network in networks
    )


def counted_address(address: str) -> str:
    """Return the key under which a peer is counted: one user of IPv6 has a whole /64."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address if found is None else str(found)


def _parsed(text: str) -> _IpAddress | None:
    """Read `192.0.2.43`, `192.0.2.43:47011`, `2001:db8::17`, `[2001:db8::17]:47011`."""
    host = text.strip()
    if host.startswith('['):
        host = host[1:].partition(']')[0]
    elif host.count(':') == 1:
        host = host.partition(':')[0]
    try:
        address = ipaddress.ip_address(host.partition('%')[0])
    except ValueError:
        return None
    return getattr(address, 'ipv4_mapped', None) or address
