"""A running gateway and the manager that it reports to; a token file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import new_certificate
from manager_double import RunningGateway, running_gateway

from hos_device_layer.links.gateway import TokenFile


@pytest.fixture
def running() -> Iterator[RunningGateway]:
    with running_gateway() as pair:
        yield pair


@pytest.fixture(scope='session')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a certificate for localhost, and of its key."""
    folder = tmp_path_factory.mktemp('certificate')
    return new_certificate(folder / 'cert.pem', folder / 'key.pem')


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / 'tokens.json')
