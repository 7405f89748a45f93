"""Which session serves which device."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from .access import Access
from .frames import FrameError


class ChannelHolder(Protocol):
    """What the registry needs of a session."""

    access: Access | None
    address: str

    def lose_channel(self, uid: int) -> None:
        """Stop serving a device: another session serves it."""


SessionT = TypeVar('SessionT', bound=ChannelHolder)


class SessionRegistry(Generic[SessionT]):
    """The sessions, by the uids they serve; the newest permitted session serves a uid."""

    def __init__(self) -> None:
        self._sessions: dict[int, SessionT] = {}

    def session(self, uid: int) -> SessionT | None:
        """Return the session that serves a device."""
        return self._sessions.get(uid)

    def claim(self, uid: int, session: SessionT) -> None:
        """
        Let a session serve a device.

        It replaces an older session if it is authenticated, or if both are anonymous and come
        from the same address. Raises FrameError otherwise.
        """
        older = self._sessions.get(uid)
        if older is not None and not _may_replace(session, older):
            raise FrameError(
                f'the device with uid {uid} is connected from another address; without a token '
                'it can only be replaced after it has disconnected'
            )
        self._sessions[uid] = session
        if older is not None and older is not session:
            older.lose_channel(uid)

    def claim_if_free(self, uid: int, session: SessionT) -> None:
        """Let a session serve a device; raises FrameError if another session serves it."""
        if self._sessions.setdefault(uid, session) is not session:
            raise FrameError(
                f'the device with uid {uid} is served by another session; send connect or '
                'advertise_service to take it over'
            )

    def release(self, uid: int, session: SessionT) -> bool:
        """Remove a device from its session; returns whether it was served by this session."""
        if self._sessions.get(uid) is not session:
            return False
        del self._sessions[uid]
        return True


def _may_replace(newer: ChannelHolder, older: ChannelHolder) -> bool:
    if newer is older or (newer.access is not None and newer.access.is_authenticated):
        return True
    anonymous = older.access is None or not older.access.is_authenticated
    return anonymous and newer.address == older.address
