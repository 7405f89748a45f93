"""The waits between attempts to connect."""

from __future__ import annotations

from hos_client.backoff import PROVEN_S, Backoff


def test_waits_grow_up_to_a_maximum_and_are_partly_random() -> None:
    latest = Backoff(1, 8, chance=lambda: 0.0)
    earliest = Backoff(1, 8, chance=lambda: 1.0)
    assert [latest.next() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert [earliest.next() for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]


def test_only_a_stable_session_resets_the_wait() -> None:
    backoff = Backoff(1, 8, chance=lambda: 0.0)
    backoff.next()
    backoff.session_lasted(PROVEN_S - 0.1)
    assert backoff.next() == 2
    backoff.session_lasted(PROVEN_S)
    assert backoff.next() == 1
