"""Log lines that peers cause."""

from __future__ import annotations

import logging

import pytest

from hos_device_layer.links.gateway import bounded_log
from hos_device_layer.links.gateway.bounded_log import BoundedLog, bounded_logging


def test_lines_above_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr(bounded_log.time, 'monotonic', lambda: now)
    bound = BoundedLog(lines=2)
    records = [
        logging.LogRecord('x', logging.WARNING, '', 0, '%s: 100%%', ('10.0.0.7',), None)
        for _ in range(6)
    ]
    assert [bound.filter(record) for record in records[:5]] == [True, True, False, False, False]
    now = 11.0
    assert bound.filter(records[5])
    assert records[5].getMessage() == '10.0.0.7: 100% (3 lines before not logged)'


def test_the_libraries_are_bounded_while_the_gateway_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger('aiohttp.server')
    before = list(logger.filters)
    with bounded_logging():
        for _ in range(1_000):
            logger.warning('an invalid request')
    assert 0 < len(caplog.records) <= 20
    assert logger.filters == before
