"""The identity and the permissions of a peer."""

from __future__ import annotations

import enum

import msgspec


class Role(enum.Enum):
    """What the bearer of a token may do."""

    DEVICE = 'device'
    OPERATOR = 'operator'
    VIEWER = 'viewer'


class Access(msgspec.Struct, frozen=True):
    """
    What a peer may do; `uids` are the devices it may act as, None for any.

    `name` is the name of the peer's token, for log messages, or empty without a token; `digest` is
    the hash of the token: another token of the same name gives another access.
    """

    roles: frozenset[Role] = frozenset()
    uids: frozenset[int] | None = None
    name: str = ''
    digest: str = ''

    @property
    def is_authenticated(self) -> bool:
        """Whether the peer has sent a valid token."""
        return bool(self.name)

    @property
    def may_call(self) -> bool:
        """Whether the peer may call functions of devices."""
        return Role.OPERATOR in self.roles

    @property
    def may_read(self) -> bool:
        """Whether the peer may list devices and subscribe to topics."""
        return bool(self.roles & {Role.OPERATOR, Role.VIEWER})

    def may_act_as(self, uid: int) -> bool:
        """Return whether the peer may act as this device."""
        return Role.DEVICE in self.roles and (self.uids is None or uid in self.uids)


# A program on this machine could start a device manager itself, so nothing is refused to it.
LOCAL_ACCESS = Access(frozenset({Role.DEVICE, Role.OPERATOR, Role.VIEWER}))

# For sites that allow devices without tokens on their network.
ANONYMOUS_DEVICE_ACCESS = Access(frozenset({Role.DEVICE}))
