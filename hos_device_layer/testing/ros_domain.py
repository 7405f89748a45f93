"""ROS domains that are not shared, so that test sessions on one machine do not interfere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

# Domains above 101 use ports in the ephemeral range of Linux:
# https://docs.ros.org/en/jazzy/Concepts/Intermediate/About-Domain-ID.html
_DOMAIN_IDS = range(50, 102)


_VARIABLES = ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE')


@contextlib.contextmanager
def private_ros_domain() -> Iterator[int]:
    """
    Put this process and its children into a domain that no other session uses; yields its id.

    Discovery is limited to this machine. Enter the context before initializing rclpy. Raises
    RuntimeError if all domains are in use.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    with reserved_ros_domain() as domain_id:
        os.environ.update(zip(_VARIABLES, (str(domain_id), 'LOCALHOST')))
        try:
            yield domain_id
        finally:
            _restore(before)


@contextlib.contextmanager
def reserved_ros_domain() -> Iterator[int]:
    """Reserve a domain within the context, for other processes; raises RuntimeError as above."""
    domain_id, lock = _reserve()
    with lock:
        yield domain_id


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _reserve() -> tuple[int, IO[str]]:
    for domain_id in _DOMAIN_IDS:
        with contextlib.suppress(OSError):
            return domain_id, _lock(
                Path(tempfile.gettempdir(), f'hos_ros_domain_{domain_id}.lock')
            )
    raise RuntimeError(
        f'all ROS domains from {_DOMAIN_IDS[0]} to {_DOMAIN_IDS[-1]} are in use; '
        'end another test session'
    )


def _lock(path: Path) -> IO[str]:
    """Lock a file, also one of another user; raises OSError if that is not possible."""
    if not path.exists():
        path.touch()
    file = path.open()
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
