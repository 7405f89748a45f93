"""The gateway: devices, programs and browsers that speak rosbridge over WebSocket."""

from .errors import GatewayError
from .gateway import Gateway
from .settings import DEFAULT_MAX_FRAME_BYTES, DEFAULT_PORT, GatewaySettings
from .tokens import TokenError, TokenFile, TokenRecord, default_token_file

__all__ = [
    'DEFAULT_MAX_FRAME_BYTES',
    'DEFAULT_PORT',
    'Gateway',
    'GatewayError',
    'GatewaySettings',
    'TokenError',
    'TokenFile',
    'TokenRecord',
    'default_token_file',
]
