"""The waiting times of addresses that have sent wrong tokens."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

# No wait after the first failure, which may be a typing error; then the wait doubles [s].
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0

# After this time [s] without a failure an address is forgotten.
_FORGOTTEN_AFTER_S = 600.0

# How many addresses are remembered; the oldest is forgotten first.
_MAX_ADDRESSES = 10_000


class AuthenticationBackoff:
    """Makes addresses wait after wrong tokens; the whole /64 of an IPv6 address counts as one."""

    def __init__(self) -> None:
        # How many failures, and when [s] the last one was.
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return how long [s] tokens from this address are refused; 0 for not at all."""
        count, last = self._failures.get(_network(address), (0, now))
        if count < 2 or now - last > _FORGOTTEN_AFTER_S:
            return 0.0
        wait = min(_FIRST_WAIT_S * 2.0 ** min(count - 2, 16), _LONGEST_WAIT_S)
        return max(0.0, last + wait - now)

    def failed(self, address: str, now: float) -> None:
        """Record a wrong token."""
        network = _network(address)
        count, last = self._failures.pop(network, (0, now))
        self._failures[network] = (1 if now - last > _FORGOTTEN_AFTER_S else count + 1), now
        if len(self._failures) > _MAX_ADDRESSES:
            self._failures.popitem(last=False)


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.partition('%')[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address
