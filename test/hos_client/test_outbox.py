"""Results and samples on their way to the gateway."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hos_client import Message
from hos_client.outbox import MAX_KEPT, MAX_SAMPLES, Outbox
from hos_client.wire import Publication

LARGEST = 1000


def numbered(n: int, size: int = 0) -> Publication:
    return Publication('t', msgspec.Raw(b'"%d%s"' % (n, b' ' * size)))


def sent(outbox: Outbox) -> list[int]:
    frames = [frame for _, frame in outbox.take_unsent(LARGEST)]
    return [int(msgspec.json.decode(frame)['msg']) for frame in frames]


@given(st.lists(st.sampled_from(['keep', 'once', 'send', 'confirm', 'lose'])))
def test_what_is_kept_arrives_in_order_and_the_rest_at_most_once(steps: list[str]) -> None:
    outbox = Outbox()
    outcomes: list[list[Message]] = []
    kept: set[int] = set()
    sessions: list[list[int]] = [[]]
    mark = 0
    for step in [*steps, 'lose', 'send', 'confirm']:
        if step in ('keep', 'once'):
            n = len(outcomes)
            outcomes.append([])
            if step == 'keep':
                kept.add(n)
            outbox.put(numbered(n), outcomes[n].append, n in kept)
        elif step == 'send':
            sessions[-1] += sent(outbox)
            mark = outbox.mark
        elif step == 'confirm':
            outbox.confirm(mark)
        else:
            outbox.connection_lost()
            sessions.append([])
            mark = 0
    arrived = [n for session in sessions for n in session]
    assert all(session == sorted(session) for session in sessions)
    assert all(n in arrived and outcomes[n] == [Message(200)] for n in kept)
    assert all(arrived.count(n) <= 1 for n in range(len(outcomes)) if n not in kept)
    assert all(len(reported) == 1 for reported in outcomes)
    assert not outbox


def test_a_full_outbox_drops_the_oldest_of_a_kind() -> None:
    outbox, outcomes = Outbox(), []
    outbox.put(numbered(0), outcomes.append, True)
    for n in range(MAX_SAMPLES + 1):
        outbox.put(numbered(n), outcomes.append, False)
    assert [outcome.status for outcome in outcomes] == [507]
    for n in range(MAX_KEPT):
        outbox.put(numbered(n), outcomes.append, True)
    assert [outcome.status for outcome in outcomes] == [507, 507]
    assert len(list(outbox.take_unsent(LARGEST))) == MAX_SAMPLES + MAX_KEPT


def test_a_refused_publication_ends_with_the_reason() -> None:
    outbox, outcomes = Outbox(), []
    outbox.put(numbered(7), outcomes.append, True)
    ((_, frame),) = outbox.take_unsent(LARGEST)
    assert not any(outbox.refuse(other, 'x') for other in ('publish:9', 'publish:x', None, 7))
    assert outbox.refuse(msgspec.json.decode(frame)['id'], 'no such stream')
    assert outcomes == [Message(409, 'no such stream')]
    outbox.confirm(outbox.mark)
    assert len(outcomes) == 1


def test_what_is_too_large_is_not_sent() -> None:
    outbox, outcomes, reasons = Outbox(), [], []

    def substitute(reason: str) -> Publication:
        reasons.append(reason)
        return numbered(8)

    outbox.put(numbered(1, size=LARGEST), outcomes.append, False)
    outbox.put(numbered(2, size=LARGEST), outcomes.append, True, substitute)
    outbox.put(numbered(3), outcomes.append, False)
    assert sent(outbox) == [8, 3]
    assert [outcome.status for outcome in outcomes] == [413, 413]
    assert reasons[0].endswith('bytes; the gateway accepts at most 1000')


def test_a_sender_that_gives_up_withdraws_a_sample_that_was_not_sent() -> None:
    outbox, outcomes = Outbox(), []
    late = Message(408)
    sample = outbox.put(numbered(1), outcomes.append, False)
    result = outbox.put(numbered(2), outcomes.append, True)
    outbox.give_up(sample, late)
    outbox.give_up(result, late)
    assert outcomes == [late, late]
    assert sent(outbox) == [2]


def test_what_is_left_when_the_client_stops_ends() -> None:
    outbox, outcomes = Outbox(), []
    outbox.put(numbered(1), outcomes.append, True)
    outbox.close()
    assert [outcome.status for outcome in outcomes] == [503] and not outbox
