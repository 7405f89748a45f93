"""The claims of device managers on their namespace, of which exactly one is kept."""

from __future__ import annotations

import math

import msgspec

from .errors import NamespaceTakenError
from .text import local_time, shortened


class ManagerClaim(msgspec.Struct, frozen=True):
    """A device manager that serves its namespace, or is about to; `host` and `pid` name it."""

    manager_id: str
    host: str
    pid: int
    start_time_s: float  # [s] since the epoch
    is_serving: bool = False

    def __str__(self) -> str:
        started = local_time(self.start_time_s, '%Y-%m-%d %H:%M:%S')
        return f'process {self.pid} on {shortened(self.host)}, started {started}'

    @property
    def rank(self) -> tuple[bool, float, str]:
        """The claim with the lowest rank is kept, on whichever manager it is compared."""
        # NaN is not comparable; both managers would continue.
        start_time_s = math.inf if math.isnan(self.start_time_s) else self.start_time_s
        return not self.is_serving, start_time_s, self.manager_id


class NamespaceClaim:
    """
    The claim of one manager, compared with those that it sees.

    Of two managers that serve already, for example because a network was divided when they
    started, the one that was started first continues.
    """

    def __init__(self, own: ManagerClaim, namespace: str) -> None:
        self.own = own
        self._namespace = namespace
        self._refused: set[str] = set()

    def serve(self) -> None:
        """Record that this manager serves from now on."""
        self.own = msgspec.structs.replace(self.own, is_serving=True)

    def see(self, other: ManagerClaim) -> bool:
        """
        Compare a claim with the own one; returns whether it belongs to a newly refused manager.

        Raises NamespaceTakenError if this manager has to end.
        """
        if other.manager_id == self.own.manager_id:
            return False
        if other.rank < self.own.rank:
            raise namespace_taken(self._namespace, str(other))
        is_new = other.manager_id not in self._refused
        self._refused.add(other.manager_id)
        return is_new


def namespace_taken(namespace: str, holder: str) -> NamespaceTakenError:
    """Return the error of a manager that has to end because of another one."""
    return NamespaceTakenError(
        f'another device manager serves the namespace {namespace!r}: {holder}. Stop it first, or '
        'start this one with another namespace or ROS_DOMAIN_ID.'
    )
