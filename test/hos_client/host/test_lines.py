"""Line and JSON devices: their parsing, and each on a pty behind the gateway."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from fake_fleet import UID, fleet, row
from hypothesis import given
from hypothesis import strategies as st
from manager_double import described_devices
from running_host import Rig, running_host

from hos_client.host import Action, Driver
from hos_client.host.answers import read_answer
from hos_client.host.device_registry import DeviceState
from hos_client.host.drivers.json_lines import JsonLinesDriver
from hos_client.host.drivers.l1 import L1Driver
from hos_client.host.drivers.line import LineDriver
from hos_client.host.lines import LineSplitter
from hos_device_layer.core.errors import ValueMismatchError
from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.testing.serial_device import (
    FakePort,
    Instrument,
    JsonBoard,
    L1Board,
    LineBoard,
    SilentBoard,
)

METER = fleet(row(device_type='Meter'))
BALANCE = fleet(row(device_type='Balance'))
FUNCTIONS = {function.name: function for function in METER.functions}
READ, SET_RANGE, WEIGH = (
    FUNCTIONS[name] for name in ('meter_read', 'meter_range_set', 'balance_weigh')
)
BUILT_IN: tuple[type[Driver], ...] = (L1Driver, LineDriver, JsonLinesDriver)


def plugged(rig: Rig, board: Any, **port: Any) -> FakePort:
    port.setdefault('serial_number', 'K6101')
    result = rig.bench.plug(board, **port)
    rig.wait_for(DeviceState.READY)
    assert rig.event('connect') == ('connect', UID)
    return result


# Lines


@given(st.lists(st.binary(min_size=1, max_size=9).map(lambda b: b.replace(b'\r', b'')
       .replace(b'\n', b'') or b'x'), max_size=6),
       st.sampled_from([b'\n', b'\r\n', b'\r']), st.integers(1, 7))  # fmt: skip
def test_lines_however_they_end_and_come(lines: list[bytes], end: bytes, step: int) -> None:
    data = b''.join(line + end for line in lines)
    splitter = LineSplitter()
    came = [
        line for at in range(0, len(data), step) for line in splitter.feed(data[at : at + step])
    ]
    assert came == lines and splitter.half_line == b''


def test_a_line_that_is_too_long_is_dropped_as_a_whole() -> None:
    splitter = LineSplitter(max_line=4)
    assert splitter.feed(b'123456') == []
    assert splitter.half_line == b''
    assert splitter.feed(b'78\nok\n12345\n1234\n') == [b'ok', b'1234']


# Answers


@pytest.mark.parametrize(
    ('line', 'fields', 'values'),
    [
        ('+1.250000E-03', ['v:float64'], {'v': 0.00125}),
        ('12.5 g', ['v:float32'], {'v': 12.5}),
        ('+1.0E+01', ['n:uint8'], {'n': 10}),
        ('18446744073709551615', ['n:uint64'], {'n': 2**64 - 1}),
        ('ON', ['b:bool'], {'b': True}),
        ('"a, ""b""",3', ['s:string', 'n:int8'], {'s': 'a, "b"', 'n': 3}),
        ('a, b', ['s:string'], {'s': 'a, b'}),
        ('1,,2', ['a:int8', 's:string', 'b:int8'], {'a': 1, 's': '', 'b': 2}),
    ],
)
def test_answers(line: str, fields: list[str], values: dict[str, Any]) -> None:
    assert read_answer(line, [Field.from_text(text) for text in fields]) == values


@pytest.mark.parametrize(
    ('line', 'fields', 'said'),
    [
        ('abc', ['v:float64'], "expected a number, got 'abc'"),
        ('1,2', ['a:int8', 'b:int8', 'c:int8'], 'expected 3 values, got 2'),
        ('300', ['n:uint8'], 'n: '),
        ('', ['v:float64'], 'expected a number'),
    ],
)
def test_answers_that_do_not_fit(line: str, fields: list[str], said: str) -> None:
    with pytest.raises(ValueMismatchError, match=said) as caught:
        read_answer(line, [Field.from_text(text) for text in fields])
    assert 'expected' in str(caught.value) and 'received' in str(caught.value)


@given(st.text(), st.lists(st.sampled_from(['a:int8', 'b:float64', 'c:string', 'd:bool'])))
def test_any_answer_is_read_or_refused(line: str, fields: list[str]) -> None:
    with contextlib.suppress(ValueMismatchError):
        read_answer(line, [Field.from_text(text) for text in fields])


# Instruments


def test_an_instrument_end_to_end() -> None:
    meter = Instrument({'MEAS:VOLT:DC?': '+1.25E+00'}, identity='ACME,M1,7,1.0')
    with running_host(*BUILT_IN, of_fleet=METER) as rig:
        plugged(rig, meter)
        assert [d.name for d in described_devices(rig.gateway)] == ['ACME,M1,7,1.0']
        assert rig.call(READ) == (True, '', '{"volt":1.25}')
        assert rig.call(SET_RANGE, '10', cmd_id=2) == (True, '', '{}')
        assert rig.call(READ, cmd_id=3)[0]
        assert meter.lines == ['*IDN?', 'MEAS:VOLT:DC?', 'CONF:VOLT:DC 10', 'MEAS:VOLT:DC?']


class HastyLineDriver(LineDriver):
    quiet_s = 1.0

    def action(self, data: Action) -> Any:
        return super().action(Action(data.id, data.function_name, text=data.text, timeout_s=0.1))


def test_an_instrument_that_answers_late_is_not_taken_for_the_next() -> None:
    answers = iter([0.3, 0.0])

    def late(line: str) -> Any:
        if line == 'MEAS:VOLT:DC?':
            wait = next(answers)
            yield wait, b'%d\n' % (1 if wait else 2)

    with running_host(HastyLineDriver, of_fleet=METER) as rig:
        plugged(rig, LineBoard(late))
        success, error, _ = rig.call(READ)
        assert not success and 'did not answer' in error and '9600 baud' in error
        assert rig.call(READ, cmd_id=2) == (True, '', '{"volt":2.0}')


def test_an_instrument_s_odd_answer_says_what_came() -> None:
    with running_host(*BUILT_IN, of_fleet=METER) as rig:
        plugged(rig, Instrument({'MEAS:VOLT:DC?': 'OVLD'}))
        success, error, _ = rig.call(READ)
        assert not success and "got 'OVLD'" in error and 'volt:float64' in error


def test_an_instrument_is_unplugged_in_the_middle() -> None:
    with running_host(*BUILT_IN, of_fleet=METER) as rig:
        port = plugged(rig, SilentBoard())
        rig.send(READ)
        rig.event('answered')
        rig.bench.unplug(port)
        success, error, _ = rig.event('result')[3:]
        assert not success and 'unplugged' in error


# JSON lines


def test_a_json_board_end_to_end() -> None:
    def weigh() -> dict[str, Any]:
        return {'mass': 1.5, 'stable': True}

    def tare() -> None:
        raise RuntimeError('the pan is moving')

    with running_host(*BUILT_IN, of_fleet=BALANCE) as rig:
        port = plugged(rig, JsonBoard({'balance_weigh': weigh, 'balance_tare': tare}))
        assert rig.call(WEIGH) == (True, '', '{"mass":1.5,"stable":true}')
        tare_function = type(WEIGH)('balance_tare', device_types=('Balance',))
        success, error, _ = rig.call(tare_function, cmd_id=2)
        assert not success and 'the pan is moving' in error
        rig.bench.send(port, b'{"stream":"mass","values":{"mass":2.5}}\r\n')
        assert rig.event('sample') == ('sample', UID, 'mass', '{"mass":2.5}')


def test_a_board_that_tells_its_uid_needs_no_serial_info() -> None:
    with running_host(
        *BUILT_IN, of_fleet=fleet(row(device_type='Balance', serial_info=''))
    ) as rig:
        port = rig.bench.plug(JsonBoard({'balance_weigh': dict}), usb_id=(1, 2))
        waiting = rig.wait_for(DeviceState.WAITING)
        assert "'0001:0002'" in waiting.reason
        rig.bench.send(port, b'{"uid":7}\n')
        assert 'uid 7' in rig.wait_for(DeviceState.WAITING).reason
        rig.bench.send(port, b'{"uid":%d}\n' % UID)
        assert rig.wait_for(DeviceState.READY).device_id == 'K6101'
        assert rig.event('connect') == ('connect', UID)
        assert rig.call(WEIGH)[0]


def test_a_port_that_is_no_usb_device_is_left_alone() -> None:
    with running_host(*BUILT_IN, of_fleet=BALANCE) as rig:
        rig.bench.plug(SilentBoard(), serial_number='another')
        assert rig.wait_for(DeviceState.WAITING).driver == ''


def test_garbage_among_json_lines() -> None:
    deep = b'[' * 5000
    garbage = [b'\xff\xfe', b'{"cmd_id":', b'[1]', b'{"cmd_id":99,"success":true}', deep, b'NaN']

    def answer(line: str) -> Any:
        cmd_id = json.loads(line)['cmd_id']
        for piece in garbage:
            yield 0.0, piece + b'\n'
        yield 0.0, b'{"cmd_id":%d,"success":true,"result":{"mass":1}}\n' % cmd_id

    with running_host(*BUILT_IN, of_fleet=BALANCE) as rig:
        plugged(rig, LineBoard(answer))
        assert rig.call(WEIGH) == (True, '', '{"mass":1}')


def test_which_driver_takes_which_type() -> None:
    boards = {'Shaker': L1Board(), 'Meter': Instrument({}), 'Balance': JsonBoard({})}
    for device_type, driver in zip(boards, ('L1Driver', 'LineDriver', 'JsonLinesDriver')):
        with running_host(*BUILT_IN, of_fleet=fleet(row(device_type=device_type))) as rig:
            rig.bench.plug(boards[device_type], serial_number='K6101')
            assert rig.wait_for(DeviceState.READY).driver == driver
