"""The driver for instruments, on ptys and behind the gateway."""

from __future__ import annotations

from typing import Any

from fake_fleet import fleet, row
from manager_double import described_devices
from running_host import SERIAL_DRIVERS, running_host

from hos_client.host import Action
from hos_client.host.drivers.line import LineDriver
from hos_device_layer.testing.serial_device import LineBoard, QueryInstrument, SilentBoard

METER = fleet(row(device_type='Meter'))
FUNCTIONS = {function.name: function for function in METER.functions}
READ, SET_RANGE = FUNCTIONS['meter_read'], FUNCTIONS['meter_range_set']


def test_an_instrument_end_to_end() -> None:
    meter = QueryInstrument({'MEAS:VOLT:DC?': '+1.25E+00'}, identity='ACME,M1,7,1.0')
    with running_host(*SERIAL_DRIVERS, of_fleet=METER) as rig:
        rig.plug(meter)
        assert [d.name for d in described_devices(rig.gateway)] == ['ACME,M1,7,1.0']
        assert rig.call(READ) == (True, '', '{"volt":1.25}')
        assert rig.call(SET_RANGE, '10', cmd_id=2) == (True, '', '{}')
        assert rig.call(READ, cmd_id=3)[0]
        assert meter.lines == ['*IDN?', 'MEAS:VOLT:DC?', 'CONF:VOLT:DC 10', 'MEAS:VOLT:DC?']


class HastyLineDriver(LineDriver):
    """Uses a short timeout for the first action only; the next one has time to succeed."""

    quiet_s = 1.0
    _timeout_s = 0.1

    def action(self, data: Action) -> Any:
        timeout_s, self._timeout_s = self._timeout_s, data.timeout_s
        return super().action(
            Action(data.id, data.function_name, text=data.text, timeout_s=timeout_s)
        )


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    answers = iter([0.3, 0.0])

    def late(line: str) -> Any:
        if line == 'MEAS:VOLT:DC?':
            wait = next(answers)
            yield wait, b'%d\n' % (1 if wait else 2)

    with running_host(HastyLineDriver, of_fleet=METER) as rig:
        rig.plug(LineBoard(late))
        success, error, _ = rig.call(READ)
        assert not success and 'did not answer' in error and '9600 baud' in error
        assert rig.call(READ, cmd_id=2) == (True, '', '{"volt":2.0}')


def test_the_error_for_an_invalid_answer_quotes_it() -> None:
    with running_host(*SERIAL_DRIVERS, of_fleet=METER) as rig:
        rig.plug(QueryInstrument({'MEAS:VOLT:DC?': 'OVLD'}))
        success, error, _ = rig.call(READ)
        assert not success and "got 'OVLD'" in error and 'volt:float64' in error


def test_unplugging_an_instrument_fails_its_command() -> None:
    with running_host(*SERIAL_DRIVERS, of_fleet=METER) as rig:
        port = rig.plug(SilentBoard())
        rig.send(READ)
        rig.event('answered')
        rig.bench.unplug(port)
        success, error, _ = rig.event('result')[3:]
        assert not success and 'unplugged' in error
