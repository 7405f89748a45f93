"""Closes the connections of tokens that have been revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ...core.rosbridge import Access
from ...core.rosbridge.close_reasons import TOKENS_UNAVAILABLE, WRONG_TOKEN, CloseReason
from .authentication import Authenticator
from .tokens import TokenError
from .websocket_connection import WebSocketConnection

# Interval at which the token file is looked at [s].
CHECK_INTERVAL_S = 5.0

# A file that cannot be used is looked at once more: an editor may be writing it [s].
SECOND_LOOK_S = 1.0


async def watch_revocations(
    authenticator: Authenticator, connections: Collection[WebSocketConnection]
) -> None:
    """
    Close the connections whose token is not valid any more, until cancelled.

    If the token file cannot be used, nobody knows which are: all of them are closed.
    """
    while True:
        await asyncio.sleep(CHECK_INTERVAL_S)
        if any(_with_token(connection) for connection in connections):
            accesses, reason = await _valid_accesses(authenticator)
            for connection in connections:
                access = _with_token(connection)
                if access is not None and access not in accesses:
                    connection.session.close(reason)


def _with_token(connection: WebSocketConnection) -> Access | None:
    access = connection.session.access
    return access if access is not None and access.is_authenticated else None


async def _valid_accesses(authenticator: Authenticator) -> tuple[Collection[Access], CloseReason]:
    try:
        return authenticator.accesses(), WRONG_TOKEN
    except TokenError:
        await asyncio.sleep(SECOND_LOOK_S)
    try:
        return authenticator.accesses(), WRONG_TOKEN
    except TokenError as error:
        authenticator.report(error, 'connections with tokens are closed')
        return (), TOKENS_UNAVAILABLE
