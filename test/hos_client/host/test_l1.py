"""The L1 protocol on bytes, without a port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_client.host.l1 import (
    GAP_S,
    L1,
    MAX_LINE,
    Done,
    Failed,
    L1Event,
    Noise,
    Received,
    Sample,
    Working,
)
from hos_device_layer.core.errors import ValueMismatchError


def busy() -> L1:
    line = L1()
    assert line.command('R5T6') == b'R5T6\n'
    return line


def events(line: L1, data: bytes, now: float = 0.0) -> list[L1Event]:
    return line.receive(data, now)


def test_a_command_with_a_result() -> None:
    line = busy()
    assert events(line, b'21V5\nV1V0VH4001\r\n0') == [
        Received(),
        Working(),
        Done('V5V1V0VH4001'),
    ]
    assert not line.is_busy


def test_status_bytes_may_have_line_ends() -> None:
    assert events(busy(), b'2\r\n1\r\n0\r\n') == [Received(), Working(), Done('')]


def test_a_failure_ends_with_its_line_or_with_silence() -> None:
    assert events(busy(), b'21A17\n') == [Received(), Working(), Failed(17)]
    line = busy()
    assert events(line, b'2A17', 1.0) == [Received()]
    assert line.next_deadline() == 1.0 + GAP_S
    assert line.advance(1.0 + GAP_S) == [Failed(17)]
    line = busy()
    # The next status byte ends it, too: it is no digit of the code.
    assert events(line, b'2A17V5\n') == [Received(), Failed(17)]


def test_samples_come_at_any_time() -> None:
    line = L1()
    assert events(line, b'S0V3.25\nS1V1V2\n') == [Sample(0, 'V3.25'), Sample(1, 'V1V2')]
    line.command('X')
    assert events(line, b'2S0V3\n0') == [Received(), Sample(0, 'V3'), Done('')]


def test_every_split_of_the_bytes_means_the_same() -> None:
    data = b'2\n1S0V1\nV5\nA3\n'
    whole = events(busy(), data)
    for at in range(len(data)):
        line = busy()
        assert events(line, data[:at]) + events(line, data[at:]) == whole


def test_the_reader_resynchronizes_after_noise() -> None:
    assert events(busy(), b'\xff\x002\x80' + b'0')[-3:] == [Received(), Noise(b'\x80'), Done('')]
    assert events(busy(), b'q7#\n20')[-2:] == [Received(), Done('')]
    line = busy()
    assert events(line, b'q7', 1.0) == []
    assert events(line, b'20', 2.0) == [Noise(b'q7'), Received(), Done('')]


def test_a_line_with_noise_is_not_a_value() -> None:
    assert events(busy(), b'2V5\xfe\n0') == [Received(), Noise(b'V5\xfe'), Done('')]


def test_a_slow_value_is_not_cut() -> None:
    line = busy()
    assert events(line, b'2V', 0.0) == [Received()]
    assert events(line, b'5\n0', 10.0) == [Done('V5')]


def test_an_endless_line_takes_limited_memory() -> None:
    line = busy()
    events(line, b'2V' + b'7' * 100_000)
    assert len(line.half_line) == MAX_LINE
    assert isinstance(events(line, b'\n0')[0], Noise)


def test_endless_values_take_limited_memory() -> None:
    line = busy()
    done = events(line, b'2' + b'V123456789\n' * 10_000 + b'0')[-1]
    assert isinstance(done, Done) and len(done.values) <= 4096


def test_the_end_of_an_abandoned_command_does_not_end_the_next_one() -> None:
    line = busy()
    assert events(line, b'2') == [Received()]
    line.abandon()
    line.command('X')
    assert events(line, b'1V9\n0') == [Noise(b'1'), Noise(b'0')]
    assert events(line, b'20') == [Received(), Done('')]
    line.command('X')
    assert events(line, b'0') == [Done('')]


def test_status_without_a_command_is_noise() -> None:
    assert events(L1(), b'210A5\n') == [Noise(b'2'), Noise(b'1'), Noise(b'0'), Noise(b'A5')]


@pytest.mark.parametrize('text', ['', 'A1\nB2', 'Ä', '\x00', 'A\r'])
def test_invalid_commands_are_refused(text: str) -> None:
    with pytest.raises(ValueMismatchError):
        L1().command(text)


@given(st.lists(st.binary(max_size=40)), st.integers(0, 5))
def test_a_command_succeeds_after_any_noise(pieces: list[bytes], command_at: int) -> None:
    line, now = L1(), 0.0
    for number, piece in enumerate(pieces):
        if number == command_at and not line.is_busy:
            line.command('X')
        line.receive(piece, now)
        now += 0.1
    if line.is_busy:
        line.abandon()
    # A line end and a silence bring every reader back to the beginning of a line.
    line.receive(b'\n', now)
    line.advance(now + GAP_S)
    line.command('X')
    assert line.receive(b'21V5\n0', now + 1) == [Received(), Working(), Done('V5')]


@given(st.lists(st.integers(0, 2**32).map(lambda n: f'V{n}'), max_size=8))
def test_noise_before_lines_changes_no_result(values: list[str]) -> None:
    line = busy()
    data = b'2' + b''.join(b'\xff\x90' + value.encode() + b'\n' for value in values) + b'\xfe0'
    assert line.receive(data, 0.0)[-1] == Done(''.join(values))
