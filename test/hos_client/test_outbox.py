"""Results that wait for delivery."""

from __future__ import annotations

from concurrent.futures import Future

from hypothesis import given
from hypothesis import strategies as st

from hos_client.outbox import MAX_RESULTS, Outbox


@given(st.lists(st.sampled_from(['put', 'send', 'confirm', 'lose'])))
def test_every_result_is_delivered_in_order(steps: list[str]) -> None:
    outbox = Outbox()
    futures: list[Future[bool]] = []
    arrived: list[str] = []
    mark = 0
    for step in steps:
        if step == 'put':
            futures.append(outbox.put(str(len(futures))))
        elif step == 'send':
            arrived += outbox.take_unsent()
            mark = outbox.mark
        elif step == 'confirm':
            outbox.confirm(mark)
        else:
            outbox.rewind()
            mark = 0
        confirmed = [future.done() for future in futures]
        assert confirmed == sorted(confirmed, reverse=True)
        assert all(str(n) in arrived for n, done in enumerate(confirmed) if done)
    outbox.rewind()
    arrived += outbox.take_unsent()
    outbox.confirm(outbox.mark)
    assert set(arrived) == {str(n) for n in range(len(futures))}
    assert all(future.result(0) for future in futures)


def test_a_full_outbox_drops_the_oldest() -> None:
    outbox = Outbox()
    first = outbox.put('first')
    for _ in range(MAX_RESULTS):
        last = outbox.put('x')
    assert first.result(0) is False and not last.done()
    assert len(outbox.take_unsent()) == MAX_RESULTS
