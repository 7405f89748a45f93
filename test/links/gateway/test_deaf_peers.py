"""Peers that send pings and read nothing: neither pongs nor close frames reach them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gateway_settings import open_settings
from manager_double import ManagerDouble, running_gateway
from raw_websocket import RawWebSocket, masked
from websocket_clients import ping_frame

from hos_device_layer.core.rosbridge import Role, SessionLimits
from hos_device_layer.links.gateway import TokenFile, revocation

LIMITS = SessionLimits(control_frames=1_000_000, control_frames_per_s=1_000_000)
PINGS = masked(0x89, b'x' * 125) * 100

# After this the gateway has stopped to read [s].
BLOCKED_S = 0.5


@contextmanager
def deaf_peer(port: int, manager: ManagerDouble, headers: bytes = b'') -> Iterator[RawWebSocket]:
    """Yield a peer that serves the device 5; the gateway waits for it to read the pongs."""
    with RawWebSocket(port, headers, receive_buffer=4096) as peer:
        peer.say(ping_frame(5))
        assert manager.next_event() == ('ping', 5)
        peer.socket.settimeout(BLOCKED_S)
        with pytest.raises(TimeoutError):
            while True:
                peer.socket.sendall(PINGS)
        yield peer


def test_a_deaf_peer_that_falls_silent_is_disconnected() -> None:
    with (
        running_gateway(ping_interval_s=1.0, limits=LIMITS) as (gateway, manager),
        deaf_peer(gateway.port, manager),
    ):
        assert manager.next_event() == ('closed', 5)


def test_a_deaf_peer_whose_token_is_revoked_is_disconnected(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, 'CHECK_INTERVAL_S', 0.1)
    token = tokens.add('bay 1', Role.DEVICE, None, '')
    settings = open_settings(tokens, ping_interval_s=600.0, limits=LIMITS)
    header = f'Authorization: Bearer {token}\r\n'.encode()
    with (
        running_gateway(settings) as (gateway, manager),
        deaf_peer(gateway.port, manager, header),
    ):
        tokens.revoke('bay 1')
        assert manager.next_event() == ('closed', 5)
