"""What a gateway is started with."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import msgspec

from ...core.rosbridge import SessionLimits

DEFAULT_PORT = 9091


class GatewaySettings(msgspec.Struct, frozen=True):
    """
    Where the gateway listens, whom it lets in, and what one peer may use.

    `port` 0 takes a free one. On an address that others can reach every peer needs a token of
    `token_file`, unless `allow_anonymous_devices` lets devices in without.
    """

    address: str = '127.0.0.1'
    port: int = DEFAULT_PORT
    token_file: Path | None = None
    allow_anonymous_devices: bool = False
    certificate_file: Path | None = None  # PEM, with its chain
    key_file: Path | None = None  # PEM; None where the certificate file holds the key too
    allowed_origins: tuple[str, ...] = ()
    # A device is known to be gone after one and a half of these [s].
    ping_interval_s: float = 5.0
    # Larger than any result in sight; a peer that sends more is closed with 1009.
    max_frame_bytes: int = 256 * 1024
    max_connections: int = 4_096
    # For each address; a whole site may stand behind one router.
    max_connections_per_address: int = 2_048
    # Of these, peers that have not shown a token yet.
    max_strangers_per_address: int = 32
    limits: SessionLimits = SessionLimits()

    def url(self, port: int) -> str:
        """Return the address to show to users."""
        scheme = 'ws' if self.certificate_file is None else 'wss'
        host = f'[{self.address}]' if ':' in self.address else self.address
        return f'{scheme}://{host}:{port}'

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can connect."""
        if self.address == 'localhost':
            return True
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False
