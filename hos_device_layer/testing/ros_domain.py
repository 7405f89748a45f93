"""A ROS domain of one's own, so that sessions on one machine do not hear each other."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Above 101 the ports of a domain reach into the range that Linux hands out to other programs:
# https://docs.ros.org/en/jazzy/Concepts/Intermediate/About-Domain-ID.html
_DOMAIN_IDS = range(50, 102)


@contextlib.contextmanager
def private_ros_domain() -> Iterator[int]:
    """
    Put this process and its children into a domain that no other session holds; yields its id.

    Discovery stays on this machine. Enter it before rclpy is initialised. Raises RuntimeError
    where all domains are taken.
    """
    domain_id, lock = _reserve()
    with lock:
        os.environ['ROS_DOMAIN_ID'] = str(domain_id)
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        yield domain_id


def _reserve() -> tuple[int, IO[str]]:
    for domain_id in _DOMAIN_IDS:
        lock = Path(tempfile.gettempdir(), f'hos_ros_domain_{domain_id}.lock').open('w')  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
        else:
            return domain_id, lock
    raise RuntimeError(f'all ROS domains in {_DOMAIN_IDS} are taken; end another session')
