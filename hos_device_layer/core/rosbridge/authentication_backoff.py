"""Who may try to come in: an address that shows wrong tokens has to wait."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

# The first mistake is free, as a typing error; then waits double, from and up to [s].
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0

# After this [s] without a mistake an address starts anew.
_FORGOTTEN_AFTER_S = 600.0

# Addresses remembered; the oldest is forgotten first.
_MAX_ADDRESSES = 10_000


class AuthenticationBackoff:
    """Slows down addresses by their wrong tokens; the whole /64 of an IPv6 address is one."""

    def __init__(self) -> None:
        # How many mistakes, and when [s] the last was.
        self._mistakes: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return how long [s] no token from this address is looked at; 0 if it is welcome."""
        count, last = self._mistakes.get(_network(address), (0, now))
        if count < 2 or now - last > _FORGOTTEN_AFTER_S:
            return 0.0
        wait = min(_FIRST_WAIT_S * 2.0 ** min(count - 2, 16), _LONGEST_WAIT_S)
        return max(0.0, last + wait - now)

    def mistake(self, address: str, now: float) -> None:
        """Take note of a wrong token."""
        network = _network(address)
        count, last = self._mistakes.pop(network, (0, now))
        self._mistakes[network] = (1 if now - last > _FORGOTTEN_AFTER_S else count + 1), now
        if len(self._mistakes) > _MAX_ADDRESSES:
            self._mistakes.popitem(last=False)


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
