"""ROS nodes that the test spins, and a record of the events that a link reports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from event_recorder import EventRecorder
from ros_nodes import SpunNodes, spun_nodes


@pytest.fixture
def nodes(ros_domain_id: int) -> Iterator[SpunNodes]:
    with spun_nodes() as nodes:
        yield nodes


@pytest.fixture
def recorder() -> EventRecorder:
    return EventRecorder()
