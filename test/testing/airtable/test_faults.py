"""Injected faults hit the planned requests only, and are executed or not as they say."""

from __future__ import annotations

import pytest
import requests
from pyairtable.api.base import Base as ApiBase
from raw_airtable import NAME, Raw

from hos_device_layer.testing.airtable import Fault, RunningAirtable
from hos_device_layer.testing.airtable.faults import InjectedFaults


def test_a_fault_waits_for_its_request_and_ends_after_its_times() -> None:
    faults = InjectedFaults()
    faults.inject(Fault.SERVER_ERROR, method='POST', path='/Things', skip=1, times=2)
    assert faults.take('GET', '/v0/app/Things') is None
    assert faults.take('POST', '/v0/app/Others') is None
    taken = [faults.take('POST', '/v0/app/Things') for _ in range(4)]
    assert taken == [None, Fault.SERVER_ERROR, Fault.SERVER_ERROR, None]


def test_an_action_runs_once_before_its_request() -> None:
    faults = InjectedFaults()
    done: list[str] = []
    faults.before(lambda: done.append('changed'), path='/Things', skip=1)
    for _ in range(3):
        assert faults.take('GET', '/v0/app/Things') is None
    assert done == ['changed']


@pytest.mark.parametrize(
    ('fault', 'status', 'is_executed'),
    [
        (Fault.SERVER_ERROR, 500, False),
        (Fault.SERVER_ERROR_AFTER, 500, True),
        (Fault.RATE_LIMITED, 429, False),
        (Fault.MONTHLY_LIMIT, 429, False),
    ],
)
def test_a_request_is_executed_or_not(
    server: RunningAirtable, base: ApiBase, raw: Raw, fault: Fault, status: int, is_executed: bool
) -> None:
    table = base.create_table('Things', [NAME])
    server.faults.inject(fault)
    answered, _ = raw('POST', 'BASE/Things', json={'fields': {'Name': 'one'}})
    assert (answered, len(table.all())) == (status, int(is_executed))


def test_a_lost_answer_belongs_to_a_request_that_is_executed(
    server: RunningAirtable, base: ApiBase, raw: Raw
) -> None:
    table = base.create_table('Things', [NAME])
    server.faults.inject(Fault.LOST_ANSWER)
    with pytest.raises(requests.ConnectionError):
        raw('POST', 'BASE/Things', json={'fields': {'Name': 'one'}})
    assert len(table.all()) == 1


def test_a_proxy_answers_without_json(server: RunningAirtable, raw: Raw) -> None:
    server.faults.inject(Fault.NO_JSON)
    with pytest.raises(requests.JSONDecodeError):
        raw('GET', 'meta/bases/BASE/tables')
