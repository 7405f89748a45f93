from __future__ import annotations

from types import SimpleNamespace

import pytest
from virtual_fleet import LIFT

from hos_device_layer import manager_log
from hos_device_layer.core.dispatch.connection_states import ConnectionEvent
from hos_device_layer.core.dispatch.effects import LogDropped, PublishConnectionEvent
from hos_device_layer.manager_log import _EVENTS_PER_S, _WARNINGS_PER_S, ManagerLog


class RecordingLogger:
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.infos: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def info(self, text: str) -> None:
        self.infos.append(text)


@pytest.fixture
def logger() -> RecordingLogger:
    return RecordingLogger()


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the log, the last element; it stands still."""
    seconds = [1000.0]
    fake = SimpleNamespace(monotonic=lambda: seconds[-1])
    monkeypatch.setattr(manager_log, 'time', fake)
    return seconds


@pytest.fixture
def log(logger: RecordingLogger, seconds: list[float]) -> ManagerLog:
    return ManagerLog(logger)  # type: ignore[arg-type]


CONNECTED = PublishConnectionEvent(ConnectionEvent.CONNECTED, LIFT.uid, LIFT, 0.0)


def test_a_dropped_message_is_a_warning(log: ManagerLog, logger: RecordingLogger) -> None:
    log.dropped(LogDropped('a ping: uid 7 is not in the fleet'))
    assert logger.warnings == ['dropped: a ping: uid 7 is not in the fleet']


def test_a_connection_event_names_the_device(log: ManagerLog, logger: RecordingLogger) -> None:
    log.connection_event(CONNECTED)
    assert logger.infos == [f'L1 (uid {LIFT.uid}): connected']


def test_one_withheld_warning_is_one_warning(log: ManagerLog, logger: RecordingLogger) -> None:
    for n in range(_WARNINGS_PER_S + 1):
        log.dropped(LogDropped(f'{n}'))
    log.report_withheld()
    assert logger.warnings[-1] == '1 more warning was not logged'


def test_warnings_beyond_the_limit_are_counted_and_reported_once(
    log: ManagerLog, logger: RecordingLogger
) -> None:
    for n in range(_WARNINGS_PER_S + 7):
        log.dropped(LogDropped(f'{n}'))
    assert len(logger.warnings) == _WARNINGS_PER_S
    log.report_withheld()
    log.report_withheld()
    assert logger.warnings[_WARNINGS_PER_S:] == ['7 more warnings were not logged']


def test_connection_events_do_not_use_up_the_limit_of_warnings(
    log: ManagerLog, logger: RecordingLogger
) -> None:
    for _ in range(_EVENTS_PER_S + 3):
        log.connection_event(CONNECTED)
    log.dropped(LogDropped('important'))
    log.report_withheld()
    assert logger.warnings == ['dropped: important']
    assert len(logger.infos) == _EVENTS_PER_S + 1
    assert logger.infos[-1] == '3 more connection events were not logged'


def test_the_limit_applies_to_each_second(
    log: ManagerLog, logger: RecordingLogger, seconds: list[float]
) -> None:
    for time in (1000.0, 1001.0):
        seconds.append(time)
        for _ in range(_WARNINGS_PER_S + 1):
            log.dropped(LogDropped('x'))
    assert len(logger.warnings) == 2 * _WARNINGS_PER_S


def test_without_messages_nothing_is_reported(log: ManagerLog, logger: RecordingLogger) -> None:
    log.report_withheld()
    assert logger.warnings == logger.infos == []
