"""The frames in the bytes of a peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.rosbridge.frame_scanner import FrameScanner, Scan

MASK = b'\1\2\3\4'
PING, PONG, CLOSE, TEXT, BINARY = 0x89, 0x8A, 0x88, 0x81, 0x82
FIRST_PART, MIDDLE_PART, LAST_PART = 0x01, 0x00, 0x80


def frame(first: int, size: int = 0) -> bytes:
    contents = b'\x81' * size
    if size < 126:
        return bytes([first, 0x80 | size]) + MASK + contents
    if size < 65536:
        return bytes([first, 0x80 | 126]) + size.to_bytes(2, 'big') + MASK + contents
    return bytes([first, 0x80 | 127]) + size.to_bytes(8, 'big') + MASK + contents


@pytest.mark.parametrize('size', [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_frame_of_any_size(size: int) -> None:
    data = frame(TEXT, size)
    assert FrameScanner().scan(data, 0, 10) == Scan(len(data), frames=1)


@pytest.mark.parametrize(
    ('first', 'control', 'fragments'),
    [(PING, 1, 0), (PONG, 1, 0), (CLOSE, 1, 0), (TEXT, 0, 0), (BINARY, 0, 0)]
    + [(part, 0, 1) for part in (FIRST_PART, MIDDLE_PART, LAST_PART)],
)
def test_every_kind_of_frame_is_counted(first: int, control: int, fragments: int) -> None:
    data = frame(first, 3) * 5
    assert FrameScanner().scan(data, 0, 10) == Scan(len(data), 5, 5 * control, 5 * fragments)


def test_a_scan_ends_after_a_number_of_frames() -> None:
    data = frame(PING) * 5
    scanner = FrameScanner()
    assert scanner.scan(data, 0, 3) == Scan(18, 3, 3)
    assert scanner.scan(data, 18, 3) == Scan(30, 2, 2)


@pytest.mark.parametrize('unmasked', [b'\x81\x00', b'\x89\x05hello', b'\x81\x7e\x01', b'\x81\x7f'])
def test_a_scan_ends_before_an_unmasked_frame(unmasked: bytes) -> None:
    data = frame(TEXT, 3) + unmasked
    assert FrameScanner().scan(data, 0, 10) == Scan(9, 1, is_unmasked=True)


def test_a_huge_length_is_followed() -> None:
    data = bytes([TEXT, 0xFF]) + b'\xff' * 8 + MASK + b'x'
    scanner = FrameScanner()
    assert scanner.scan(data, 0, 10) == Scan(15, 1)
    assert scanner.scan(b'\0' * 100, 0, 10) == Scan(100)


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([PING, TEXT, FIRST_PART, LAST_PART]),
        st.sampled_from([0, 1, 9, 125, 126, 300, 70_000]),
    ),
    max_size=8,
)


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 40), max_size=30), most=st.integers(1, 4))
def test_frames_are_found_however_they_arrive(
    frames: list[tuple[int, int]], cuts: list[int], most: int
) -> None:
    stream = b''.join(frame(first, size) for first, size in frames)
    scanner, held, passed = FrameScanner(), b'', b''
    found = [0, 0, 0]
    rest = stream
    for cut in [*cuts, len(stream)]:
        held, rest = held + rest[:cut], rest[cut:]
        while True:
            scan = scanner.scan(held, 0, most)
            found = [a + b for a, b in zip(found, scan[1:4])]
            passed, held = passed + held[: scan.end], held[scan.end :]
            assert scan.frames <= most and not scan.is_unmasked
            if scan.frames < most:
                break
    assert passed == stream and held == b''
    assert found == [
        len(frames),
        sum(first == PING for first, _ in frames),
        sum(first in (FIRST_PART, LAST_PART) for first, _ in frames),
    ]
