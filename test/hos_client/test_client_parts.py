"""The parts of a client that need no connection."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_client.backoff import PROVEN_S, Backoff
from hos_client.errors import ConfigurationError
from hos_client.inbox import Inbox
from hos_client.log import make_log_handler
from hos_client.message import Message, Task
from hos_client.outbox import MAX_RESULTS, Outbox
from hos_client.settings import Settings, load_settings
from hos_client.wire import write_values
from hos_device_layer.core.errors import ValueMismatchError


def test_waits_grow_up_to_a_cap_and_are_left_to_chance() -> None:
    latest = Backoff(1, 8, chance=lambda: 0.0)
    earliest = Backoff(1, 8, chance=lambda: 1.0)
    assert [latest.next() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert [earliest.next() for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]


def test_only_a_good_session_resets_the_wait() -> None:
    backoff = Backoff(1, 8, chance=lambda: 0.0)
    backoff.next()
    backoff.session_lasted(PROVEN_S - 0.1)
    assert backoff.next() == 2
    backoff.session_lasted(PROVEN_S)
    assert backoff.next() == 1


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


def test_a_receiver_that_gave_up_loses_no_task() -> None:
    inbox = Inbox()
    gone, waiting = inbox.take(), inbox.take()
    gone.cancel()
    task = Task(200)
    assert inbox.put(task)
    assert waiting.result(0) is task
    inbox.put(task)
    assert inbox.take().result(0) is task


@pytest.mark.parametrize(
    ('data', 'text'),
    [
        ({'x': 1, 'ok': True}, '{"x":1,"ok":true}'),
        (None, '{}'),
        ('V5V1', 'V5V1'),
        (5, 'V5'),
        (True, 'V1'),
        (1e-7, 'V0.0000001'),
        ([5, False, 'H4001', 2.5], 'V5V0VH4001V2.5'),
        ((), ''),
    ],
)
def test_values_are_written_as_devices_do(data: object, text: str) -> None:
    assert write_values(data) == text


@pytest.mark.parametrize('data', [[float('nan')], [None], object(), {'x': object()}])
def test_values_that_cannot_be_sent(data: object) -> None:
    with pytest.raises(ValueMismatchError):
        write_values(data)


def test_a_message_is_true_for_success() -> None:
    assert Message(200) and Message(202)
    assert not Message(408) and not Message(503)


def test_the_configuration_is_written_and_explained(tmp_path: Path) -> None:
    path = tmp_path / 'hos_client.conf'
    settings = load_settings(path, {})
    assert settings == Settings()
    text = path.read_text()
    assert '# ' in text and 'host = 127.0.0.1' in text
    assert path.stat().st_mode & 0o077 == 0
    path.write_text(text.replace('port = 9091', 'port = 9999').replace('= no', '= yes'))
    assert load_settings(path, {}).url == 'wss://127.0.0.1:9999'


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environment = {
        'HOS_CLIENT_HOST': 'fd00::1',
        'HOS_CLIENT_TOKEN': 'secret',
        'HOS_CLIENT_LOG_LEVEL': 'debug',
    }
    settings = load_settings(tmp_path / 'c.conf', environment)
    assert settings.url == 'ws://[fd00::1]:9091'
    assert settings.token == 'secret' and settings.log_level == 'DEBUG'
    assert 'secret' not in repr(settings)


@pytest.mark.parametrize(
    ('line', 'name'),
    [
        ('[gateway]\nport = x', 'port'),
        ('[gateway]\nport = 70000', 'port'),
        ('[gateway]\nencryption = maybe', 'encryption'),
        ('[log]\nlevel = loud', 'level'),
        ('[log]\nmax_bytes = -1', 'max_bytes'),
        ('nonsense', 'c.conf'),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, name: str) -> None:
    path = tmp_path / 'c.conf'
    path.write_text(line)
    with pytest.raises(ConfigurationError, match=name):
        load_settings(path, {})


def test_the_log_goes_to_a_file_that_rotates(tmp_path: Path) -> None:
    path = tmp_path / 'client.log'
    handler = make_log_handler(Settings(log_file=str(path), log_max_bytes=200, log_backups=1))
    logger = logging.Logger('mine')
    logger.addHandler(handler)
    for n in range(20):
        logger.info('line %d', n)
    handler.close()
    assert 'line 19' in path.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ['client.log', 'client.log.1']
