"""Events of drivers, and their listeners."""

from __future__ import annotations

from typing import Any

import pytest
from fake_fleet import Anything, row

from hos_client.host import DetectedDevice, Driver, EventManager

DEVICE = DetectedDevice('one', 'fake', {}, row())


def test_every_listener_is_called_even_if_one_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Any] = []

    class Listener:
        def device_changed(self, driver: Driver) -> None:
            heard.append(dict(driver.data))

        def device_identified(self, driver: Driver, uid: int) -> None:
            heard.append(uid)

        def device_lost(self, driver: Driver, reason: str) -> None:
            heard.append(reason)

    class Raising(Listener):
        def device_changed(self, driver: Driver) -> None:
            raise RuntimeError('in a listener')

    events, driver = EventManager(), Anything('one', DEVICE)
    raising, listener = Raising(), Listener()
    events.add_listener(raising)
    events.add_listener(listener)
    driver.data = {'mass': {'mass': 1}}
    events.device_changed(driver)
    events.device_identified(driver, 7)
    events.device_lost(driver, 'gone')
    assert heard == [{'mass': {'mass': 1}}, 7, 7, 'gone', 'gone']
    assert 'in a listener' in caplog.text
    events.remove_listener(listener)
    events.device_changed(driver)
    assert len(heard) == 5
