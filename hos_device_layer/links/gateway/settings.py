"""The settings of a gateway."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import msgspec

from ...core.rosbridge import SessionLimits
from ...core.rosbridge.peer_addresses import IpNetwork

DEFAULT_PORT = 9091

# Results and samples of a few hundred kilobytes; a peer takes no more memory than this per frame.
DEFAULT_MAX_FRAME_BYTES = 256 * 1024


class GatewaySettings(msgspec.Struct, frozen=True):
    """
    Where the gateway listens, who may connect, and how much one peer may use.

    `port` 0 selects a free port. On an address that other computers can reach, every peer needs a
    token of `token_file`, unless `allow_anonymous_devices` admits devices without one.
    """

    address: str = '127.0.0.1'
    port: int = DEFAULT_PORT
    token_file: Path | None = None
    allow_anonymous_devices: bool = False
    # Whether programs on this computer need a token as well: required behind a proxy.
    require_token: bool = False
    # Only these tell the addresses of their peers; nobody behind them is a local program.
    trusted_proxies: tuple[IpNetwork, ...] = ()
    # Names of the gateway besides that of the computer, for peers without a token.
    allowed_hosts: tuple[str, ...] = ()
    certificate_file: Path | None = None  # PEM, with the certificate chain
    key_file: Path | None = None  # PEM; None if the certificate file contains the key
    allowed_origins: tuple[str, ...] = ()
    # A lost connection is noticed after one and a half of these intervals [s].
    ping_interval_s: float = 5.0
    # A connection that sends a larger frame is closed with 1009.
    max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES
    max_connections: int = 4_096
    # Besides, connections whose handshake is not finished; the oldest make room for new ones.
    max_unfinished: int = 1_024
    max_unfinished_per_address: int = 512
    # For each token, and for the peers without one for each address: of an IPv6 address counts the
    # /64. A whole site may be behind one router.
    max_connections_per_address: int = 2_048
    # Of these, peers that have not sent a valid token yet: they never take the places of tokens.
    max_unauthenticated: int = 1_024
    max_unauthenticated_per_address: int = 32
    limits: SessionLimits = SessionLimits()

    def url(self, port: int) -> str:
        """Return the URL for clients."""
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
