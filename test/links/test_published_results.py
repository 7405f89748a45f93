"""Results that come back from the topic on which the device manager has published them."""

from __future__ import annotations

from msgspec.structs import replace

from hos_device_layer.core.dispatch.events import ResultReported
from hos_device_layer.links.published_results import _MAX_AWAITED, PublishedResults

RESULT = ResultReported(7, 1, True, '', 'V5')


def test_a_published_result_is_recognized_as_often_as_it_was_published() -> None:
    published = PublishedResults()
    assert not published.take(RESULT)
    published.add(RESULT)
    published.add(RESULT)
    assert [published.take(RESULT) for _ in range(3)] == [True, True, False]


def test_another_result_of_the_same_command_is_not_recognized() -> None:
    published = PublishedResults()
    published.add(RESULT)
    for other in ({'success': False}, {'result_str': 'V6'}, {'uid': 8}, {'cmd_id': 2}):
        assert not published.take(replace(RESULT, **other))
    assert published.take(RESULT)


def test_few_results_that_do_not_come_back_are_remembered() -> None:
    published = PublishedResults()
    results = [replace(RESULT, cmd_id=n) for n in range(_MAX_AWAITED + 10)]
    for result in results:
        published.add(result)
    assert [published.take(result) for result in results].count(True) == _MAX_AWAITED
    assert not published.take(results[0])
