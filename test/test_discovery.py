"""How often the device manager announces itself to processes that do not know it yet."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hos_device_layer.discovery import announce_often
from hos_device_layer.testing.ros_domain import reserved_ros_domain

WAIT_S = 60.0

# The ports of DDSI-RTPS 9.6.1: of domain 0, of a domain, and of its participants.
PORT_BASE, DOMAIN_GAIN, UNICAST_OFFSET, PARTICIPANT_GAIN = 7400, 250, 10, 2
# Fast DDS announces itself to 32 participants of a computer.
LAST_PARTICIPANT = 31
INITIAL_ANNOUNCEMENTS = 6

# The default period of Fast DDS [s].
DEFAULT_PERIOD_S = 3.0


@contextlib.contextmanager
def participant_socket(domain_id: int) -> Iterator[socket.socket]:
    """Receive what is sent to a participant of the domain that does not exist."""
    port = PORT_BASE + DOMAIN_GAIN * domain_id + UNICAST_OFFSET
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(('127.0.0.1', port + PARTICIPANT_GAIN * LAST_PARTICIPANT))
        receiver.settimeout(WAIT_S)
        yield receiver


def test_the_manager_announces_itself_more_often_than_fast_dds_does_by_default(
    tmp_path: Path,
) -> None:
    command = [sys.executable, '-m', 'hos_device_layer.device_manager', '--ros-args']
    command += ['-p', 'gateway_port:=0', '-p', f'state_folder:={tmp_path}']
    with reserved_ros_domain() as domain_id, participant_socket(domain_id) as receiver:
        manager = subprocess.Popen(command, env={**os.environ, 'ROS_DOMAIN_ID': str(domain_id)})
        try:
            for _ in range(INITIAL_ANNOUNCEMENTS):
                assert receiver.recv(65_536).startswith(b'RTPS')
            start = time.monotonic()
            # With the default these two would take 6 s.
            for _ in range(2):
                receiver.recv(65_536)
            assert time.monotonic() - start < DEFAULT_PERIOD_S
        finally:
            manager.terminate()
            manager.wait(WAIT_S)


def test_settings_of_the_user_have_priority() -> None:
    environ = {'FASTRTPS_DEFAULT_PROFILES_FILE': '/home/me/dds.xml'}
    announce_often(environ)
    assert environ == {'FASTRTPS_DEFAULT_PROFILES_FILE': '/home/me/dds.xml'}


def test_the_profile_is_installed_beside_the_code() -> None:
    environ: dict[str, str] = {}
    announce_often(environ)
    assert environ and all(Path(path).is_file() for path in environ.values())
