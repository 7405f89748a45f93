"""The gateway: a door for devices, programs and browsers that speak rosbridge over WebSocket."""

from .gateway import Callers, Gateway
from .server import GatewayError
from .settings import DEFAULT_PORT, GatewaySettings
from .tokens import TokenError, TokenFile, TokenRecord, default_token_file

__all__ = [
    'DEFAULT_PORT',
    'Callers',
    'Gateway',
    'GatewayError',
    'GatewaySettings',
    'TokenError',
    'TokenFile',
    'TokenRecord',
    'default_token_file',
]
