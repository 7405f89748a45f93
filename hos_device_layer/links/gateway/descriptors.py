"""How many connections the limits of the process on open files allow."""

from __future__ import annotations

import logging
import resource
from typing import NamedTuple

_log = logging.getLogger(__name__)

# For ROS, files and the log, if the system allows it, and at least [files].
_WANTED_RESERVE = 1_024
_LEAST_RESERVE = 256

# Of the connections, those whose handshake is not finished may take a fifth if there are few.
_UNFINISHED_SHARE = 5


class ConnectionBudget(NamedTuple):
    """How many connections may be open: finished ones, and those in their handshake."""

    connections: int
    unfinished: int


def reserve_descriptors(connections: int, unfinished: int) -> ConnectionBudget:
    """
    Raise the limit on open files as far as the system allows; return what fits into it.

    The others get at least 256: without descriptors, ROS serves no device either.
    """
    wanted = connections + unfinished + _WANTED_RESERVE
    limit = _raised_limit(wanted)
    budget = fitting_budget(connections, unfinished, limit)
    if budget.connections < connections:
        _log.warning(
            'this process may open %d files: the gateway accepts %d connections instead of %d; to '
            'accept all of them, allow %d (ulimit -n, LimitNOFILE of systemd)',
            limit,
            budget.connections,
            connections,
            wanted,
        )
    return budget


def fitting_budget(connections: int, unfinished: int, limit: int) -> ConnectionBudget:
    """Return the part of the wanted connections that a limit on open files allows."""
    available = max(limit - _LEAST_RESERVE, limit // 2)
    if connections + unfinished <= available:
        return ConnectionBudget(connections, unfinished)
    unfinished = min(unfinished, max(1, available // _UNFINISHED_SHARE))
    return ConnectionBudget(min(connections, max(1, available - unfinished)), unfinished)


def _raised_limit(wanted: int) -> int:
    # Many systems allow 1024 open files unless a program asks for more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    raised = wanted if hard == resource.RLIM_INFINITY else max(soft, min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised
