"""What goes wrong between a client and Airtable, on demand."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec


class Fault(enum.Enum):
    """A way in which a request goes wrong."""

    LOST_ANSWER = 'it is carried out, but the connection breaks before the answer'
    SERVER_ERROR = 'it is not carried out: 500'
    SERVER_ERROR_AFTER = 'it is carried out, but the answer is 500'
    SLOW = 'it is carried out, but the answer takes longer than anybody waits'
    RATE_LIMITED = 'it is not carried out: 429'
    MONTHLY_LIMIT = 'it is not carried out: the calls of the plan are used up'
    EXPIRED_PAGES = 'Airtable forgot where the list it asks to go on was'
    NO_JSON = 'a proxy answers in place of Airtable, with a page for people'


class _Plan(msgspec.Struct):
    event: Fault | Callable[[], None]
    method: str
    path: str
    skip: int
    times: int

    def fits(self, method: str, path: str) -> bool:
        return self.method in ('', method) and self.path in path


class Faults:
    """Faults that are going to happen; each of them to requests that fit it."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []

    def inject(
        self, fault: Fault, *, method: str = '', path: str = '', skip: int = 0, times: int = 1
    ) -> None:
        """Have a fault happen to `times` requests whose address holds `path`, after `skip`."""
        self._plans.append(_Plan(fault, method, path, skip, times))

    def before(
        self, action: Callable[[], None], *, method: str = '', path: str = '', skip: int = 0
    ) -> None:
        """Have something done to the base just before a request, after `skip` that fit too."""
        self._plans.append(_Plan(action, method, path, skip, 1))

    def take(self, method: str, path: str) -> Fault | None:
        """Do what is to be done before a request, and return what is to happen to it."""
        happens = None
        for plan in [plan for plan in self._plans if plan.fits(method, path)]:
            if plan.skip:
                plan.skip -= 1
                continue
            plan.times -= 1
            if not plan.times:
                self._plans.remove(plan)
            if isinstance(plan.event, Fault):
                happens = plan.event
            else:
                plan.event()
        return happens
