"""The topics of connection events."""

from __future__ import annotations

from .. import topics
from ..core.dispatch.connection_states import ConnectionEvent

CONNECTION_EVENT_TOPICS = {
    ConnectionEvent.CONNECTED: topics.DEVICE_CONNECTED,
    ConnectionEvent.TIMEOUT: topics.DEVICE_TIMEOUT,
    ConnectionEvent.RECONNECTED: topics.DEVICE_RECONNECTED,
    ConnectionEvent.DISCONNECTED: topics.DEVICE_DISCONNECTED,
}
