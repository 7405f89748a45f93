"""A healthy gateway device among hostile peers: the short form of `hos bench --hostile`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmark import hostile
from benchmark.measurement import Measurement
from hos_device_layer.testing.ros_domain import private_ros_domain


@pytest.fixture
def ros_domain() -> Iterator[None]:
    with private_ros_domain():
        yield


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_call_is_lost(ros_domain: None) -> None:
    lost: dict[str, float] = {}
    for outcome in hostile.measure(quick=True):
        assert isinstance(outcome, Measurement), outcome
        if 'without success' in outcome.name:
            lost[outcome.name] = outcome.value
    assert len(lost) == len(hostile.ATTACKS) + 1
    assert not any(lost.values())
