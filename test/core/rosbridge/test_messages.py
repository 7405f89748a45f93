"""Messages from devices, in all the forms that clients send."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hos_device_layer.core.rosbridge.frames import FrameError, raw
from hos_device_layer.core.rosbridge.messages import (
    DeviceCommandResponse,
    DeviceCommandResult,
    UidMessage,
    decode_message,
    read_answer,
)

ABSENT = msgspec.Raw(b'null')
NO_REASON = 'the device refused the command without a reason'


@pytest.mark.parametrize(
    ('values', 'result'),
    [
        ({'is_valid': True, 'error': ''}, True),
        ({'is_valid': True}, False),
        ({'is_valid': True}, None),
        ({'is_valid': 1}, 'true'),
        ({'is_valid': 'true'}, None),
        (None, True),
        ({}, 'true'),
        ({'other': 1}, 1),
    ],
)
def test_an_answer_that_accepts_the_command(values: Any, result: Any) -> None:
    assert read_answer(raw(values), result) == DeviceCommandResponse(True)


@pytest.mark.parametrize(
    ('values', 'result', 'reason'),
    [
        ({'is_valid': False, 'error': 'door open'}, True, 'door open'),
        ({'is_valid': False, 'error': 'door open'}, 'true', 'door open'),
        ({'is_valid': False, 'error': 'door open'}, None, 'door open'),
        ('door open', False, 'door open'),
        ('door open', None, 'door open'),
        ('', None, NO_REASON),
        (None, False, NO_REASON),
        (None, None, NO_REASON),
        ([True], 'yes', NO_REASON),
        ({'is_valid': None, 'error': 5}, True, NO_REASON),
        ({'is_valid': 2}, True, NO_REASON),
    ],
)
def test_an_answer_that_refuses_the_command(values: Any, result: Any, reason: str) -> None:
    assert read_answer(raw(values), result) == DeviceCommandResponse(False, reason)


@pytest.mark.parametrize('text', [b'{"is_valid":', b'[' * 100_000, b'"\xff"'])
def test_an_answer_that_is_not_json_refuses_the_command(text: bytes) -> None:
    answer = read_answer(msgspec.Raw(text), True)
    assert not answer.is_valid
    assert 'invalid answer' in answer.error


def test_numbers_and_booleans_may_be_written_as_text() -> None:
    message = msgspec.Raw(b'{"uid":"7","cmd_id":"5","success":1,"extra":[]}')
    assert decode_message(message, DeviceCommandResult) == DeviceCommandResult(7, 5, True)


@pytest.mark.parametrize('text', [b'null', b'5', b'{}', b'{"data":-1}', b'{"data":4294967296}'])
def test_a_message_that_does_not_fit_names_its_type(text: bytes) -> None:
    with pytest.raises(FrameError, match='expected UidMessage: '):
        decode_message(msgspec.Raw(text), UidMessage)


def test_a_long_message_is_not_repeated_in_the_error() -> None:
    text = b'{"uid":1,"data":"' + b'x' * 10_000 + b'"}'
    with pytest.raises(FrameError) as caught:
        decode_message(msgspec.Raw(text), UidMessage)
    assert len(str(caught.value)) < 300
