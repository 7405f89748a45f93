"""Who a peer is, and what it may do therefore."""

from __future__ import annotations

import enum

import msgspec


class Role(enum.Enum):
    """What a token is for."""

    DEVICE = 'device'
    OPERATOR = 'operator'
    VIEWER = 'viewer'


class Access(msgspec.Struct, frozen=True):
    """
    What a peer may do. `uids` are the devices it may be, or None for any.

    `name` is for log lines: that of the token, never the token itself; empty without one.
    """

    roles: frozenset[Role] = frozenset()
    uids: frozenset[int] | None = None
    name: str = ''

    @property
    def is_authenticated(self) -> bool:
        return bool(self.name)

    @property
    def may_call(self) -> bool:
        return Role.OPERATOR in self.roles

    @property
    def may_read(self) -> bool:
        return bool(self.roles & {Role.OPERATOR, Role.VIEWER})

    def may_be(self, uid: int) -> bool:
        """Return whether the peer may be this device."""
        return Role.DEVICE in self.roles and (self.uids is None or uid in self.uids)


# A peer on this machine could start the program it calls just as well.
LOCAL_ACCESS = Access(frozenset({Role.DEVICE, Role.OPERATOR, Role.VIEWER}))

# Where the site allows devices without tokens on its network.
ANONYMOUS_DEVICE_ACCESS = Access(frozenset({Role.DEVICE}))
