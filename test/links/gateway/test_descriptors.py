"""How many connections fit into the limit on open files."""

from __future__ import annotations

import logging
import resource

import pytest

from hos_device_layer.links.gateway import descriptors
from hos_device_layer.links.gateway.descriptors import (
    ConnectionBudget,
    fitting_budget,
    reserve_descriptors,
)


@pytest.mark.parametrize('limit', [64, 256, 512, 1_024, 4_096, 5_375])
def test_a_low_limit_leaves_descriptors_for_ros(limit: int) -> None:
    budget = fitting_budget(4_096, 1_024, limit)
    assert budget.connections >= 1 and budget.unfinished >= 1
    assert sum(budget) <= limit - min(256, limit // 2)


def test_a_sufficient_limit_allows_all() -> None:
    assert fitting_budget(4_096, 1_024, 6_144) == ConnectionBudget(4_096, 1_024)
    assert fitting_budget(4_096, 1_024, 5_376) == ConnectionBudget(4_096, 1_024)


def test_the_limit_is_raised_as_far_as_allowed_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = [(256, 1_024)]
    monkeypatch.setattr(resource, 'getrlimit', lambda _: limits[-1])
    monkeypatch.setattr(resource, 'setrlimit', lambda _, new: limits.append(new))
    budget = reserve_descriptors(4_096, 1_024)
    assert limits[-1] == (1_024, 1_024)
    assert sum(budget) == 1_024 - descriptors._LEAST_RESERVE
    assert f'accepts {budget.connections} connections instead of 4096' in caplog.text
    assert 'allow 6144 (ulimit -n, LimitNOFILE of systemd)' in caplog.text


def test_a_limit_that_is_high_enough_is_not_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, 'getrlimit', lambda _: (resource.RLIM_INFINITY,) * 2)
    assert reserve_descriptors(4_096, 1_024) == ConnectionBudget(4_096, 1_024)
    caplog.set_level(logging.DEBUG)
    assert caplog.text == ''
