"""The commands that need a device manager, where none runs."""

from __future__ import annotations

from hos_command import HosCommand

NO_MANAGER = 'no device manager answered within 5 s; start one with: hos up'


def test_every_command_says_that_no_device_manager_answers(elsewhere: HosCommand) -> None:
    # At the same time, because each waits for seconds before it gives up.
    with (
        elsewhere.running('devices', '--json') as devices,
        elsewhere.running('call', 'W5001', 'balance_tare') as call,
        elsewhere.running('watch') as watch,
    ):
        assert devices.wait() == 1
        assert devices.output == f'{NO_MANAGER}\n'
        watch.wait_for(f'{NO_MANAGER} .waiting for it.')
        assert watch.stop() == 0
        assert call.wait() == 1
        assert 'device manager' in call.output
        assert call.output.count('\n') == 1
