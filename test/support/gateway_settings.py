"""Settings of gateways that require a token, and ways to send one."""

from __future__ import annotations

from typing import Any

from hos_device_layer.links.gateway import GatewaySettings, TokenFile

PING = '{"op":"publish","topic":"haive_os/device/ping","msg":{"data":5}}'


def open_settings(tokens: TokenFile, **changes: Any) -> GatewaySettings:
    """Return settings for an address that others can reach, so that tokens are required."""
    return GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path, **changes)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {'Authorization': f'Bearer {token}'}
