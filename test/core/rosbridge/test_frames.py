"""Frames: what is decoded, what is refused, and what a refusal can still refer to."""

from __future__ import annotations

import pytest

from hos_device_layer.core.rosbridge.frames import (
    CallService,
    Frame,
    FrameError,
    FrameId,
    Publish,
    ServiceResponse,
    Status,
    decode,
    encode,
    raw,
    salvage,
)


def test_a_frame_may_lack_id_and_type_and_have_unknown_fields() -> None:
    frame = decode('{"op":"publish","topic":"t","latch":true,"msg":{"data":1}}')
    assert isinstance(frame, Publish)
    assert (frame.id, frame.topic, bytes(frame.msg)) == (None, 't', b'{"data":1}')


@pytest.mark.parametrize('frame_id', ['a', 17])
def test_an_id_is_a_text_or_a_number(frame_id: FrameId) -> None:
    text = encode(CallService(id=frame_id, service='s'))
    assert decode(text).id == frame_id


@pytest.mark.parametrize(
    ('frame', 'text'),
    [
        (Status(level='error', msg='no'), '{"op":"status","level":"error","msg":"no"}'),
        (
            ServiceResponse(id='1', service='s', values=raw({'ok': True}), result=True),
            '{"op":"service_response","id":"1","service":"s","values":{"ok":true},"result":true}',
        ),
        (Publish(topic='t', msg=raw([1])), '{"op":"publish","topic":"t","msg":[1]}'),
    ],
)
def test_frames_are_encoded_without_empty_fields(frame: Frame, text: str) -> None:
    assert encode(frame) == text


@pytest.mark.parametrize('text', ['{"op":"dance"}', '{"op":5}', '{}', '5', '{"op":"publish"}'])
def test_a_frame_that_does_not_match_its_op_is_refused(text: str) -> None:
    with pytest.raises(FrameError, match='the frame does not match its op: '):
        decode(text)


@pytest.mark.parametrize(
    'text', ['', 'nonsense', '{"op":"publish"', '{"op":NaN}', b'{"op":"\xff"}']
)
def test_a_text_that_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(FrameError, match='the frame is not valid JSON: '):
        decode(text)


@pytest.mark.parametrize(
    'fields',
    [
        f'"topic":"{"t" * 256}"',
        f'"topic":"t","id":"{"i" * 256}"',
        '"topic":"t","id":1' + '0' * 400,
        '"topic":"t","throttle_rate":1' + '0' * 400,
        '"topic":"t","throttle_rate":' + '9' * 5_000,
        '"topic":"t","throttle_rate":1e999',
        '"topic":"t","throttle_rate":1e300',
        '"topic":"t","throttle_rate":-1',
        '"topic":"t","throttle_rate":-0.5',
    ],
)
def test_what_is_kept_or_echoed_or_calculated_with_is_bounded(fields: str) -> None:
    text = '{"op":"subscribe",' + fields + '}'
    with pytest.raises(FrameError, match='the frame does not match its op: ') as refusal:
        decode(text)
    assert len(str(refusal.value)) < 200
    frame_id, _ = salvage(text)
    assert frame_id is None


def test_thousands_of_brackets_are_refused() -> None:
    with pytest.raises(FrameError):
        decode('{"op":"publish","topic":"t","msg":' + '[' * 100_000)


@pytest.mark.parametrize(
    ('text', 'salvaged'),
    [
        ('{"op":"call_service","id":"a","service":"s","args":', (None, None)),
        ('{"op":"call_service","id":"a","service":"s","args":{},"id":5}', (5, 's')),
        ('{"op":"call_service","id":[1],"service":"s"}', (None, 's')),
        ('{"op":"call_service","id":1,"service":2}', (1, '')),
        ('{"op":"call_service","id":"a","service":"' + 's' * 999 + '"}', ('a', 's' * 255)),
        ('{"op":"call_service","id":1e999,"service":"s"}', (None, 's')),
        ('{"op":"publish","id":"a","service":"s"}', ('a', None)),
        ('{"op":"publish","id":"a","topic":5}', ('a', None)),
        ('[]', (None, None)),
        ('[' * 100_000, (None, None)),
    ],
)
def test_the_id_and_the_service_of_an_invalid_frame_are_found(
    text: str, salvaged: tuple[FrameId, str | None]
) -> None:
    assert salvage(text) == salvaged
