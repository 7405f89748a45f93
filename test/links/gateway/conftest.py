"""A running gateway and the manager that it reports to; a token file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_double import RunningGateway, running_gateway

from hos_device_layer.links.gateway import TokenFile


@pytest.fixture
def running() -> Iterator[RunningGateway]:
    with running_gateway() as pair:
        yield pair


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / 'tokens.json')
