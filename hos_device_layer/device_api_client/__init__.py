"""The client and the subscriptions that all API calls of a node share."""

from .calls import PendingCall
from .client import DeviceAPIClient
from .clients import client_of
from .manager_watch import ManagerWatch

__all__ = ['DeviceAPIClient', 'ManagerWatch', 'PendingCall', 'client_of']
