"""The thread of an interface."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest
from fake_fleet import Shelf

from hos_client.host import Info
from hos_client.host.detector import Detector


def test_an_exception_of_an_interface_keeps_its_devices(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks: queue.Queue[Any] = queue.Queue()
    failed = threading.Event()

    class Failing(Shelf):
        def get_devices(self) -> dict[str, Info]:
            if looks.qsize() == 1 and not failed.is_set():
                failed.set()
                raise OSError('the bus is down')
            return self.devices

    detector = Detector(Failing(), lambda *look: looks.put(look))
    detector.start()
    first = looks.get(timeout=10)
    looks.put(first)
    assert failed.wait(10)
    looks.get(timeout=10)
    assert looks.get(timeout=10) == first
    detector.stop()
    detector.join(10)
    assert caplog.text.count('the interface Failing failed: OSError: the bus is down') == 1


def test_a_loop_delay_of_0_polls_once() -> None:
    looks: queue.Queue[Any] = queue.Queue()
    closed = threading.Event()

    class Once(Shelf):
        _loop_delay = 0

        def close(self) -> None:
            closed.set()

    detector = Detector(Once(), lambda *look: looks.put(look))
    detector.start()
    assert looks.get(timeout=10)[0] == 'fake'
    detector.stop()
    detector.join(10)
    assert closed.is_set() and looks.empty()
