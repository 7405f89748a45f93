"""The clients of the nodes of this process."""

from __future__ import annotations

import threading
import weakref

from rclpy.node import Node

from ..services import DEVICE_API_CALL_SERVICE
from .client import DeviceAPIClient


def client_of(node: Node, namespace: str = '') -> DeviceAPIClient:
    """
    Return the client of a node for the manager in a namespace, by default that of the node.

    It is created once and destroyed with the node.
    """
    prefix = f'{namespace.rstrip("/")}/' if namespace else ''
    with _clients_lock:
        clients = _clients.setdefault(node, {})
        name = node.resolve_service_name(prefix + DEVICE_API_CALL_SERVICE)
        if name not in clients:
            clients[name] = DeviceAPIClient(node, prefix)
        return clients[name]


# The clients of a node, by the name of their service.
_clients: weakref.WeakKeyDictionary[Node, dict[str, DeviceAPIClient]] = weakref.WeakKeyDictionary()
_clients_lock = threading.Lock()
