"""Simulated boards, and the bench that connects them to ports."""

from __future__ import annotations

import contextlib
import os
import time
import tty
from pathlib import Path

import pytest

from hos_device_layer.testing.serial_device import (
    JsonBoard,
    L1Board,
    LineBoard,
    QueryInstrument,
    Reply,
    SerialBench,
    SimulatedBoard,
)


def answers(board: SimulatedBoard, data: bytes) -> bytes:
    return b''.join(piece for _, piece in board.receive(data))


def test_a_line_is_answered_when_it_is_complete() -> None:
    def answer(line: str) -> Reply:
        yield 0.0, line.upper().encode()

    board = LineBoard(answer)
    assert answers(board, b'on') == b''
    assert answers(board, b'e\r\ntwo\nthr') == b'ONETWO'
    assert answers(board, b'ee\n') == b'THREE'


def test_an_l1_board_reports_its_progress_values_and_failures() -> None:
    board = L1Board({'R300': 'V299.5'}, failures={'X': 17}, work_s=0.5)
    assert list(board.receive(b'R300\n')) == [(0.0, b'21'), (0.5, b'V299.5\n0')]
    assert answers(board, b'X\n') == b'21A17\n'
    assert answers(board, b'Y\n') == b'210'
    assert board.commands == ['R300', 'X', 'Y']


def test_an_instrument_answers_what_it_knows() -> None:
    board = QueryInstrument({'MEAS?': '1.5'}, identity='ACME,M1,7,1.0')
    assert answers(board, b'*IDN?\nMEAS?\nOUTP ON\n') == b'ACME,M1,7,1.0\n1.5\n'
    assert board.lines == ['*IDN?', 'MEAS?', 'OUTP ON']


def test_a_json_board_reports_results_and_errors() -> None:
    def weigh(offset: float) -> dict[str, float]:
        return {'mass': 2.0 - offset}

    board = JsonBoard({'weigh': weigh})
    assert answers(board, b'{"cmd_id":7,"function":"weigh","args":{"offset":0.5}}\n') == (
        b'{"cmd_id": 7, "success": true, "result": {"mass": 1.5}}\n'
    )
    assert answers(board, b'{"cmd_id":8,"function":"tare","args":{}}\n') == (
        b'{"cmd_id": 8, "success": false, "error": "\'tare\'"}\n'
    )


def read_from(descriptor: int, size: int) -> bytes:
    data = b''
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        assert piece
        data += piece
    return data


@pytest.mark.parametrize('has_link', [False, True])
def test_a_plugged_board_is_a_port_until_it_is_unplugged(tmp_path: Path, has_link: bool) -> None:
    link = tmp_path / 'shaker' if has_link else None
    with SerialBench() as bench:
        port = bench.plug(L1Board({'A1': 'V5'}), '4711', (0x403, 0x6001), link)
        assert bench.ports() == [port]
        assert (port.serial_number, port.vid, port.pid) == ('4711', 0x403, 0x6001)
        assert (port.device == str(link)) is has_link
        descriptor = os.open(port.device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor)
        os.write(descriptor, b'A1\n')
        assert read_from(descriptor, 6) == b'21V5\n0'
        bench.send(port, b'S0V1\n')
        assert read_from(descriptor, 5) == b'S0V1\n'
        bench.unplug(port)
        assert bench.ports() == []
        assert not (has_link and Path(port.device).exists())
        # The end of the file, or an error: that depends on the kernel.
        with contextlib.suppress(OSError):
            assert os.read(descriptor, 1) == b''
        os.close(descriptor)


def test_delays_are_kept_and_bytes_stay_in_order() -> None:
    with SerialBench() as bench:
        port = bench.plug(L1Board({'A1': 'V5'}, work_s=0.05))
        descriptor = os.open(port.device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor)
        start = time.monotonic()
        os.write(descriptor, b'A1\n')
        assert read_from(descriptor, 6) == b'21V5\n0'
        assert time.monotonic() - start >= 0.05
        os.close(descriptor)
