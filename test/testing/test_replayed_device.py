"""A recording that is replayed; test/hos_client/host/test_capture.py records one."""

from __future__ import annotations

from pathlib import Path

from hos_client.host.capture import FROM_DEVICE, TO_DEVICE, Piece, to_line
from hos_device_layer.testing.replayed_device import ReplayedBoard, replay

PIECES = [
    Piece(0.0, 'p', FROM_DEVICE, b'hello'),
    Piece(1.0, 'p', TO_DEVICE, b'AB\n'),
    Piece(1.5, 'p', FROM_DEVICE, b'2'),
    Piece(3.5, 'p', FROM_DEVICE, b'0'),
]


def test_answers_come_after_the_bytes_they_answer_with_the_recorded_pauses() -> None:
    board = ReplayedBoard(PIECES, speed=2.0)
    assert list(board.plugged()) == [(0.0, b'hello')]
    assert list(board.receive(b'A')) == []
    assert not board.is_finished
    assert list(board.receive(b'B\n')) == [(0.25, b'2'), (1.0, b'0')]
    assert board.is_finished and not board.problem


def test_bytes_after_the_end_of_the_recording_are_a_problem() -> None:
    board = ReplayedBoard(PIECES[:2])
    list(board.plugged())
    assert list(board.receive(b'AB\nC\n')) == []
    assert board.problem == "expected b'', received b'C\\n'"


def test_one_port_of_a_recording_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / 'recording'
    other = Piece(0.5, 'q', FROM_DEVICE, b'other')
    file.write_text(''.join(to_line(piece) + '\n' for piece in [PIECES[0], other]))
    assert list(replay(file).plugged()) == [(0.0, b'hello')]
    assert list(replay(file, 'q').plugged()) == [(0.0, b'other')]
