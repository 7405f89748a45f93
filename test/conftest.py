"""What all tests share: a ROS domain of their own, on this machine only."""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from hos_device_layer.fast_dds import choose_profile
from hos_device_layer.testing.ros_domain import private_ros_domain

# A shell that runs the tests in the background has everything below it ignore SIGINT, which some
# tests send to programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Stand-ins of the device manager run in the processes of the tests.
choose_profile(os.environ)

# A test of a property holds on a slow machine too.
hypothesis.settings.register_profile(
    'any speed', deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile('any speed')


@pytest.fixture(scope='session', autouse=True)
def ros_domain_id() -> Iterator[int]:
    with private_ros_domain() as domain_id:
        yield domain_id
