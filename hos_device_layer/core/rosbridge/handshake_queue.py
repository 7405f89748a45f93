"""The connections whose handshake is not finished."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

_Connection = TypeVar('_Connection')


class HandshakeQueue(Generic[_Connection]):
    """
    Keeps a limited number of unfinished connections, in all and for each address.

    A new one always finds a place, because an honest handshake takes milliseconds: the oldest
    one of the address, or of the address that has the most, makes room for it.
    """

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._count = 0
        self._connections: dict[str, OrderedDict[_Connection, None]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, connection: _Connection, address: str) -> _Connection | None:
        """Add a connection; returns the one that it replaces and that is to be closed."""
        crowded = None
        if len(self._connections.get(address, ())) >= self._most_per_address:
            crowded = address
        elif self._count >= self._most:
            crowded = max(self._connections, key=lambda key: len(self._connections[key]))
        replaced = None
        if crowded is not None:
            replaced = next(iter(self._connections[crowded]))
            self.remove(replaced, crowded)
        self._connections.setdefault(address, OrderedDict())[connection] = None
        self._count += 1
        return replaced

    def remove(self, connection: _Connection, address: str) -> None:
        """Remove a connection whose handshake has ended; it may have been removed before."""
        waiting = self._connections.get(address)
        if waiting is None or connection not in waiting:
            return
        del waiting[connection]
        self._count -= 1
        if not waiting:
            del self._connections[address]
