"""The client and the subscriptions that all API calls of a node share."""

from .calls import PendingCall
from .client import DeviceAPIClient
from .clients import client_of

__all__ = ['DeviceAPIClient', 'PendingCall', 'client_of']
