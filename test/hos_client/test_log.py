"""The log handler of a client."""

from __future__ import annotations

import logging
from pathlib import Path

from hos_client.log import make_log_handler
from hos_client.settings import Settings


def test_the_log_goes_to_a_file_that_rotates(tmp_path: Path) -> None:
    path = tmp_path / 'client.log'
    handler = make_log_handler(Settings(log_file=str(path), log_max_bytes=200, log_backups=1))
    logger = logging.Logger('mine')
    logger.addHandler(handler)
    for n in range(20):
        logger.info('line %d', n)
    handler.close()
    assert 'line 19' in path.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ['client.log', 'client.log.1']
