"""A real gateway for the tests of clients; its device manager is a double."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from manager_double import ManagerDouble, running_gateway

from hos_device_layer.links.gateway import Gateway


@pytest.fixture
def gateway_and_manager() -> Iterator[tuple[Gateway, ManagerDouble]]:
    with running_gateway() as pair:
        yield pair


@pytest.fixture
def gateway(gateway_and_manager: tuple[Gateway, ManagerDouble]) -> Gateway:
    return gateway_and_manager[0]


@pytest.fixture
def manager(gateway_and_manager: tuple[Gateway, ManagerDouble]) -> ManagerDouble:
    return gateway_and_manager[1]
