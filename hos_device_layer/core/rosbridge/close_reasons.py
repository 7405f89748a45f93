"""Why the gateway closes a connection."""

from __future__ import annotations

from typing import NamedTuple


class CloseReason(NamedTuple):
    """Why a session ends, for the WebSocket's close frame (RFC 6455 section 7.4)."""

    code: int
    reason: str


TOO_SLOW = CloseReason(1013, 'the peer reads too slowly for what it subscribed to')
TOO_MANY_ERRORS = CloseReason(4429, 'too many frames that cannot be accepted')
WRONG_TOKEN = CloseReason(4401, 'the token is not valid')
UNMASKED = CloseReason(1002, 'the frames of a client must be masked (RFC 6455 section 5.1)')
TOKENS_UNAVAILABLE = CloseReason(1011, 'the gateway cannot check tokens')
REPLACED = CloseReason(4409, 'a newer session of the same device has replaced this one')
NO_TOKEN = CloseReason(4408, 'no token was sent in time')
PEER_GONE = CloseReason(1001, 'the peer has closed the connection')
GATEWAY_STOPPED = CloseReason(1001, 'the gateway is stopping')
