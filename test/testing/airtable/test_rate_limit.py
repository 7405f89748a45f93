"""The rate limit of a base."""

from __future__ import annotations

from raw_airtable import Raw

from hos_device_layer.testing.airtable import RequestRateLimit, running_airtable


def test_who_asks_too_often_is_locked_out_for_half_a_minute() -> None:
    now = [0.0]
    limit = RequestRateLimit(clock=lambda: now[0])
    with running_airtable(limit) as server:
        raw = Raw(server)
        statuses = [raw('GET', 'meta/bases/BASE/tables')[0] for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        for now_s, status in ((29.9, 429), (30.1, 200)):
            now[0] = now_s
            assert raw('GET', 'meta/bases/BASE/tables')[0] == status


def test_five_requests_a_second_are_answered_on_and_on() -> None:
    now = [0.0]
    with running_airtable(RequestRateLimit(clock=lambda: now[0])) as server:
        raw = Raw(server)
        for _ in range(20):
            now[0] += 0.21
            assert raw('GET', 'meta/bases/BASE/tables')[0] == 200
