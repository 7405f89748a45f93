"""Recordings of serial ports, and devices that replay them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_fleet import UID, fleet
from hypothesis import given
from hypothesis import strategies as st
from running_host import running_host

from hos_client.host import HostError
from hos_client.host.capture import FROM_DEVICE, TO_DEVICE, Capture, Piece, read_recording, to_line
from hos_client.host.device_registry import DeviceState
from hos_client.host.drivers.l1 import L1Driver
from hos_client.host.serial_port import add_tap, remove_tap
from hos_device_layer.testing.replayed_device import ReplayedBoard, replay
from hos_device_layer.testing.serial_device import L1Board

START, STOP = (f for f in fleet().functions if f.name in ('shaker_start', 'shaker_stop'))


@given(
    st.floats(0, 1e6),
    st.text(min_size=1).filter(lambda port: port.isprintable()),
    st.sampled_from([TO_DEVICE, FROM_DEVICE]),
    st.binary(min_size=1),
)
def test_a_piece_survives_writing_and_reading(
    time_s: float, port: str, direction: str, data: bytes
) -> None:
    (piece,) = read_recording([to_line(Piece(time_s, port, direction, data))])
    assert piece[1:] == (port, direction, data) and abs(piece.time_s - time_s) < 1e-5


@pytest.mark.parametrize('line', ['x', '1 p < zz', 'a p < 00', '1 p = 00', '1 p <'])
def test_an_error_in_a_recording_names_its_line(line: str) -> None:
    with pytest.raises(HostError, match='line 2 of the recording'):
        list(read_recording(['1 p < 00', line]))


def test_a_captured_device_can_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / 'recording'
    capture = Capture(path)
    add_tap(capture)
    try:
        outcome = _two_calls(L1Board({'R300T60': 'V300V59.5'}, {'X': 17}))
    finally:
        remove_tap(capture)
        capture.close()
    assert '52333030543630' in path.read_text()  # R300T60
    replayed = replay(path)
    assert _two_calls(replayed) == outcome
    assert replayed.is_finished and not replayed.problem


def _two_calls(board: L1Board | ReplayedBoard) -> list[object]:
    with running_host(L1Driver) as rig:
        rig.bench.plug(board, serial_number='K6101')
        rig.wait_for(DeviceState.READY)
        assert rig.event('connect') == ('connect', UID)
        first = rig.call(START, '300', '60')
        success, error, _ = rig.call(STOP, cmd_id=2)
        return [first, success, error.partition('failed')[2]]


def test_a_replayed_device_does_not_answer_another_command() -> None:
    board = ReplayedBoard([Piece(0, 'p', FROM_DEVICE, b'hello'), Piece(1, 'p', TO_DEVICE, b'X\n')])
    assert list(board.plugged()) == [(0.0, b'hello')]
    assert list(board.receive(b'Y\n')) == []
    assert board.problem == "expected b'X\\n', received b'Y\\n'" and not board.is_finished


def test_a_recording_needs_a_writable_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match='cannot write'):
        Capture(tmp_path / 'none' / 'recording')
