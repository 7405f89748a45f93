"""Faults that tests inject between a client and the fake Airtable."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec


class Fault(enum.Enum):
    """How a request fails."""

    LOST_ANSWER = 'the request is executed, but the connection breaks before the answer'
    SERVER_ERROR = 'the request is not executed; the answer is 500'
    SERVER_ERROR_AFTER = 'the request is executed; the answer is 500'
    SLOW = 'the request is executed, but the answer comes after every timeout'
    RATE_LIMITED = 'the request is not executed; the answer is 429'
    MONTHLY_LIMIT = 'the request is not executed; the calls of the plan are used up'
    EXPIRED_PAGES = 'the offset of the next page has expired'
    NO_JSON = 'a proxy answers with an HTML page in place of Airtable'


class _PlannedFault(msgspec.Struct):
    event: Fault | Callable[[], None]
    method: str
    path: str
    skip: int
    times: int

    def fits(self, method: str, path: str) -> bool:
        return self.method in ('', method) and self.path in path


class InjectedFaults:
    """The faults that are planned for the next matching requests."""

    def __init__(self) -> None:
        self._plans: list[_PlannedFault] = []

    def inject(
        self, fault: Fault, *, method: str = '', path: str = '', skip: int = 0, times: int = 1
    ) -> None:
        """Let `times` requests fail whose address contains `path`, after `skip` of them."""
        self._plans.append(_PlannedFault(fault, method, path, skip, times))

    def before(
        self, action: Callable[[], None], *, method: str = '', path: str = '', skip: int = 0
    ) -> None:
        """Run an action just before a matching request, after `skip` others."""
        self._plans.append(_PlannedFault(action, method, path, skip, 1))

    def take(self, method: str, path: str) -> Fault | None:
        """Run the actions planned for a request and return the fault planned for it, if any."""
        fault = None
        for plan in [plan for plan in self._plans if plan.fits(method, path)]:
            if plan.skip:
                plan.skip -= 1
                continue
            plan.times -= 1
            if not plan.times:
                self._plans.remove(plan)
            if isinstance(plan.event, Fault):
                fault = plan.event
            else:
                plan.event()
        return fault
