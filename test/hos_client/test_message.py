"""The outcomes of requests."""

from __future__ import annotations

from hos_client.message import Message


def test_a_message_is_true_for_success() -> None:
    assert Message(200) and Message(202)
    assert not Message(408) and not Message(503)
