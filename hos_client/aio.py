"""The asynchronous client, for programs that run on asyncio: `hos_client.aio.Client`."""

from .async_client import AsyncClient as Client

__all__ = ['Client']
