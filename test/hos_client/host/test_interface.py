"""What has changed between two results of an interface."""

from __future__ import annotations

from hos_client.host.interface import compare


def test_devices_that_appeared_and_disappeared() -> None:
    changes = compare({'a': {}, 'b': {'n': 1}, 'c': {}}, {'b': {'n': 2}, 'c': {}, 'd': {}})
    assert changes.appeared == ('b', 'd') and changes.disappeared == ('a', 'b')
