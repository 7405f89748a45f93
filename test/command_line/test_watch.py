"""`hos watch` beside a running fleet."""

from __future__ import annotations

import signal
from pathlib import Path

from hos_command import HosCommand, RunningCommand

TIME = r'^\d\d:\d\d:\d\d\.\d{3} '


def test_samples_and_results_are_printed_until_ctrl_c(
    hos: HosCommand, fleet: RunningCommand
) -> None:
    with hos.running('watch') as watch:
        watch.wait_for(TIME + r'H4001 arm_position V\S+$')
        call = hos.run('call', 'H4001', 'delta_arm_move', 'x=1', 'y=2', 'z=3', '--json')
        assert call.code == 0
        watch.wait_for(TIME + r'task \d+ done \{"x":1\.0,.*\} in \d+\.\d{3} s$')
        assert watch.stop() == 0


def test_streams_can_be_left_out(hos: HosCommand, fleet: RunningCommand) -> None:
    with hos.running('watch', '--no-streams') as watch:
        # Until the watch has found the manager, results of calls are not for it.
        while 'task ' not in watch.output:
            hos.run('call', 'W5001', 'balance_tare')
        assert watch.stop(signal.SIGINT) == 0
        assert 'arm_position' not in watch.output


def test_connection_events_are_printed(elsewhere: HosCommand, device_db: Path) -> None:
    options = ('--simulate', '--no-host', '--gateway-port', 0)
    with (
        elsewhere.running('watch', '--no-streams') as watch,
        elsewhere.running('up', '--device-db', device_db, *options),
    ):
        watch.wait_for(TIME + r'R2001 \(TubeRack, uid 10758656\) (re)?connected$')
