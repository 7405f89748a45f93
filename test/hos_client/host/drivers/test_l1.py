"""The driver for L1 microcontrollers, on ptys and behind the gateway."""

from __future__ import annotations

import pytest
from fake_fleet import UID, fleet
from running_host import running_host

from hos_client.host import Action
from hos_client.host.drivers.l1 import L1Driver
from hos_device_layer.testing.serial_device import L1Board, SilentBoard

FLEET = fleet()
FUNCTIONS = {function.name: function for function in FLEET.functions}
START, STOP = FUNCTIONS['shaker_start'], FUNCTIONS['shaker_stop']


def test_commands_from_the_gateway_to_the_board() -> None:
    board = L1Board({'R300T60': 'V300V59.5'}, failures={'X': 17})
    with running_host(L1Driver) as rig:
        rig.plug(board)
        assert rig.call(START, '300', '60') == (True, '', 'V300V59.5')
        assert board.commands == ['R300T60']
        success, error, _ = rig.call(STOP, cmd_id=2)
        assert not success and error.endswith('failed with error code 17')
        assert rig.call(START, '300', '60', cmd_id=3)[0]


def test_samples_of_numbered_streams() -> None:
    with running_host(L1Driver) as rig:
        port = rig.plug(L1Board())
        rig.bench.send(port, b'S1V21.5\n')
        assert rig.event('sample') == ('sample', UID, 'temperature', 'V21.5')
        rig.bench.send(port, b'S9V1\nS0V300\n')
        assert rig.event('sample') == ('sample', UID, 'speed', 'V300')


def test_a_board_unplugged_in_a_command_and_plugged_into_another_port() -> None:
    board = SilentBoard()
    with running_host(L1Driver) as rig:
        port = rig.plug(board)
        rig.send(STOP)
        rig.event('answered')
        rig.bench.unplug(port)
        success, error, _ = rig.event('result')[3:]
        assert not success and 'unplugged' in error
        assert rig.event('closed') == ('closed', UID)
        rig.plug(L1Board())
        assert rig.call(STOP, cmd_id=2)[0]


class HastyL1Driver(L1Driver):
    """Uses a short timeout for every action; the first leaves time for the bytes to arrive."""

    _timeout_s = 1.0

    def action(self, data: Action) -> object:
        timeout_s, self._timeout_s = self._timeout_s, 0.2
        return super().action(
            Action(data.id, data.function_name, text=data.text, timeout_s=timeout_s)
        )


@pytest.mark.parametrize(
    ('sent', 'expected'),
    [
        (b'', 'it sent nothing: is it powered'),
        (b'\xff\xfe\x80', '3 bytes that are not L1: is baud_rate'),
        (b'V3.2', "only part of a line: 'V3.2'"),
        (b'21', 'did not finish'),
    ],
)
def test_the_error_of_a_timeout_says_what_was_received(sent: bytes, expected: str) -> None:
    class Odd(SilentBoard):
        def receive(self, data: bytes):  # type: ignore[no-untyped-def]
            yield 0.0, sent

    with running_host(HastyL1Driver) as rig:
        port = rig.plug(Odd() if sent else SilentBoard())
        success, error, _ = rig.call(STOP)
        assert not success and expected in error and 'K6101' in error and '9600 baud' in error
        # It goes on: the next command is sent, and the device is still there.
        assert not rig.call(STOP, cmd_id=2)[0]
        rig.bench.unplug(port)
