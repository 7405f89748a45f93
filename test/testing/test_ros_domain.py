"""Domains that are reserved are not handed out twice."""

from __future__ import annotations

import os

import pytest

from hos_device_layer.testing import ros_domain
from hos_device_layer.testing.ros_domain import private_ros_domain, reserved_ros_domain


def test_domains_differ_while_they_are_reserved(ros_domain_id: int) -> None:
    with reserved_ros_domain() as first, reserved_ros_domain() as second:
        assert len({ros_domain_id, first, second}) == 3
        assert os.environ['ROS_DOMAIN_ID'] == str(ros_domain_id)


def test_a_private_domain_is_that_of_this_process_and_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Restored after the test.
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
        monkeypatch.setenv(name, '')
    with private_ros_domain() as domain_id:
        assert os.environ['ROS_DOMAIN_ID'] == str(domain_id)
        assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_if_all_domains_are_in_use_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with reserved_ros_domain() as only:
        monkeypatch.setattr(ros_domain, '_DOMAIN_IDS', range(only, only + 1))
        with (
            pytest.raises(RuntimeError, match=f'from {only} to {only} are in use; end another'),
            reserved_ros_domain(),
        ):
            pass
