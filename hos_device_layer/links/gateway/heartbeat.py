"""Notices connections whose peer is gone although nobody has closed them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from .websocket_connection import WebSocketConnection

# Of the interval: how often connections are looked at, after how many silent looks a peer is asked
# for a sign of life, and after how many it is gone. The latter is 1.25 to 1.5 intervals.
_LOOKS_PER_INTERVAL = 4
_LOOKS_BEFORE_PING = 3
_LOOKS_BEFORE_END = 5

# So many are looked at in one iteration of the loop.
_LOOKS_PER_TURN = 16


async def watch_silence(connections: Collection[WebSocketConnection], interval_s: float) -> None:
    """
    Ping the peers that send nothing, and end those that do not answer, until cancelled.

    One timer for all: that of each connection would be reset with each frame.
    """
    while True:
        await asyncio.sleep(interval_s / _LOOKS_PER_INTERVAL)
        for number, connection in enumerate(tuple(connections)):
            if number % _LOOKS_PER_TURN == 0:
                await asyncio.sleep(0)
            silent_looks = connection.look()
            if silent_looks == _LOOKS_BEFORE_PING:
                connection.ping()
            elif silent_looks >= _LOOKS_BEFORE_END:
                connection.abort()
