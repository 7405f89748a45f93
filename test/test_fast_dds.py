"""The settings of Fast DDS: how quickly callers find the device manager and are answered."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import MANAGER, Program
from ros_nodes import spun_nodes

from hos_device_layer.device_api import CallFailedError, call_device, value_dict
from hos_device_layer.fast_dds import choose_profile
from hos_device_layer.testing.ros_domain import private_ros_domain, reserved_ros_domain

WAIT_S = 60.0

# The ports of DDSI-RTPS 9.6.1: of domain 0, of a domain, and of its participants.
PORT_BASE, DOMAIN_GAIN, UNICAST_OFFSET, PARTICIPANT_GAIN = 7400, 250, 10, 2
# Fast DDS announces itself to 32 participants of a computer.
LAST_PARTICIPANT = 31
INITIAL_ANNOUNCEMENTS = 6

# The default period of Fast DDS [s].
DEFAULT_PERIOD_S = 3.0


# Sends calls that the manager refuses, and is killed before it acknowledges the answers. Its
# responses stay in the manager's history until DDS takes it for dead.
_KILLED_CALLER = """
import os, signal, sys
import rclpy
from hos_interfaces.srv import DeviceAPICall
from hos_device_layer.qos import SERVICE_QOS
from hos_device_layer.services import DEVICE_API_CALL_SERVICE

rclpy.init()
node = rclpy.create_node('killed_caller')
client = node.create_client(DeviceAPICall, DEVICE_API_CALL_SERVICE, qos_profile=SERVICE_QOS)
client.wait_for_service()
rclpy.spin_until_future_complete(node, client.call_async(DeviceAPICall.Request()))
for _ in range(2_000):
    client.call_async(DeviceAPICall.Request())
print('sent', flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


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


def test_a_caller_that_was_killed_does_not_delay_the_first_call_of_others(tmp_path: Path) -> None:
    with private_ros_domain():
        manager = Program(MANAGER, gateway_port=0, state_folder=tmp_path)
        try:
            manager.wait_for_output('devices expected')
            for _ in range(3):
                # Shared memory that a killed process leaves behind could upset the next one.
                subprocess.run(
                    [sys.executable, '-c', _KILLED_CALLER],
                    env=os.environ | {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'},
                    check=False,
                )
            with spun_nodes() as nodes:
                call = call_device(nodes['caller'], 'D1', 'f', {}, value_dict)
                nodes.spin_until(call.result.done)
            with pytest.raises(CallFailedError, match="no device 'D1'"):
                call.parse()
        finally:
            manager.end()


@contextlib.contextmanager
def locked_shared_memory() -> Iterator[None]:
    """Hold the locks of shared-memory ports, which Fast DDS reports whenever it meets one."""
    with contextlib.ExitStack() as stack:
        for port in range(7000, 7040):
            for suffix in ('el', 'sl'):
                path = Path(f'/dev/shm/fastrtps_port{port}_{suffix}')
                if not path.exists():
                    stack.callback(path.unlink, missing_ok=True)
                file = stack.enter_context(path.open('a'))
                with contextlib.suppress(BlockingIOError):  # held by another program: locked too
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@pytest.mark.slow  # alone: it disturbs other programs
def test_what_fast_dds_logs_does_not_get_into_the_output_of_a_program() -> None:
    program = (
        'import rclpy\n'
        'from hos_device_layer.ros_startup import start_ros\n'
        "start_ros([])\nrclpy.create_node('x')\nprint('the result')"
    )
    with private_ros_domain(), locked_shared_memory():
        done = subprocess.run(
            [sys.executable, '-c', program], capture_output=True, text=True, check=True
        )
    assert done.stdout == 'the result\n'
    assert 'RTPS_TRANSPORT_SHM' in done.stderr


def test_settings_of_the_user_have_priority() -> None:
    environ = {'FASTRTPS_DEFAULT_PROFILES_FILE': '/home/me/dds.xml'}
    choose_profile(environ)
    assert environ == {'FASTRTPS_DEFAULT_PROFILES_FILE': '/home/me/dds.xml'}


def test_the_profile_is_installed_beside_the_code() -> None:
    environ: dict[str, str] = {}
    choose_profile(environ)
    assert environ and all(Path(path).is_file() for path in environ.values())
