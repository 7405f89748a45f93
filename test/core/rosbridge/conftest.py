"""A broker, and a peer on this machine that has a session with it."""

from __future__ import annotations

import pytest
from peers import Peer

from hos_device_layer.core.rosbridge.broker import Broker


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def peer(broker: Broker) -> Peer:
    return Peer(broker)
