"""Domains that are reserved are not handed out twice."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from other_user import needs_root, run_as_nobody

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


@needs_root
def test_another_user_reserves_the_domains_that_are_free() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        # A checkout may be in a folder that others cannot read.
        program = shutil.copy(ros_domain.__file__, folder)
        (Path(folder) / 'hos_ros_domain_50.lock').touch(0o644)
        (Path(folder) / 'hos_ros_domain_51.lock').touch(0o600)
        code = 'import ros_domain\nwith ros_domain.reserved_ros_domain() as first:\n'
        code += '    with ros_domain.reserved_ros_domain() as second: print(first, second)'
        environ = {'TMPDIR': folder, 'PYTHONPATH': str(Path(program).parent)}
        result = run_as_nobody(['-c', code], environ)
    assert (result.stdout, result.stderr) == ('50 52\n', '')


def test_a_private_domain_is_left_with_its_context(ros_domain_id: int) -> None:
    with private_ros_domain() as domain_id:
        assert os.environ['ROS_DOMAIN_ID'] == str(domain_id) != str(ros_domain_id)
    assert os.environ['ROS_DOMAIN_ID'] == str(ros_domain_id)
