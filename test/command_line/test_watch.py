"""`hos watch` beside a running fleet."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import sys
from pathlib import Path

from hos_command import TIMEOUT_S, HosCommand, RunningCommand, gateway_url, without_dds

from hos_device_layer.command_line.watch import clock

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


def test_the_first_line_counts_the_devices(hos: HosCommand, fleet: RunningCommand) -> None:
    with hos.running('watch', '--no-streams') as watch:
        watch.wait_for(r"\Afleet 'demo': 11 of 12 devices connected$")


def test_it_ends_when_its_reader_has_read_enough(hos: HosCommand, fleet: RunningCommand) -> None:
    command = hos.start('watch')
    assert command.stdout is not None and command.stderr is not None
    command.stdout.readline()
    command.stdout.close()
    # The next sample cannot be printed.
    assert command.wait(TIMEOUT_S) == 0
    assert without_dds(command.stderr.read()) == ''
    command.stderr.close()


def test_the_end_of_the_device_manager_and_the_next_one_are_printed(
    elsewhere: HosCommand, device_db: Path
) -> None:
    options = ('--device-db', device_db, '--no-simulate', '--no-host', '--gateway-port', 0)
    with elsewhere.running('watch', '--no-streams') as watch:
        for count, number in enumerate((signal.SIGKILL, signal.SIGTERM), start=1):
            with elsewhere.running('up', *options) as up:
                up.wait_for('devices expected')
                watch.wait_for(rf"(^fleet 'demo': 0 of 12 devices connected$[\s\S]*){{{count}}}")
                (manager,) = up.children()
                os.kill(manager, number)
                name = rf'the device manager \(process {manager} on \S+\)'
                watch.wait_for(TIME + name + ' has ended or is out of reach$')
        watch.wait_for(TIME + name + ' has started$')
        assert watch.output.count('has ended') == 2
        assert watch.output.count('has started') == 1
        assert watch.stop() == 0


def test_a_device_manager_that_is_stopped_for_a_while_is_back(
    elsewhere: HosCommand, device_db: Path
) -> None:
    options = ('--device-db', device_db, '--no-simulate', '--no-host', '--gateway-port', 0)
    with elsewhere.running('up', *options) as up, elsewhere.running('watch') as watch:
        watch.wait_for("^fleet 'demo'")
        (manager,) = up.children()
        name = rf'the device manager \(process {manager} on \S+\)'
        lost = TIME + name + ' has ended or is out of reach$'
        # Again, since the watch may have found the service before the status of the manager.
        while not watch.find(lost, 0):
            os.kill(manager, signal.SIGSTOP)
            watch.find(lost, 8.0)
            os.kill(manager, signal.SIGCONT)
            assert watch.process.poll() is None, watch.output
            watch.find(lost, 0.5)
        watch.wait_for(TIME + name + ' is back$')
        assert watch.stop() == 0


def test_connection_events_are_printed(elsewhere: HosCommand, device_db: Path) -> None:
    options = ('--no-simulate', '--no-host', '--gateway-port', 0)
    with (
        elsewhere.running('watch', '--no-streams') as watch,
        elsewhere.running('up', '--device-db', device_db, *options) as up,
    ):
        up.wait_for('devices expected')
        device = [sys.executable, '-m', 'hos_client', '--url', gateway_url(up)]
        device += ['--id', 'R2001', '--type', 'TubeRack', '--uid', '10758656']
        connected = TIME + r'R2001 \(TubeRack, uid 10758656\) (re)?connected$'
        # Again, since an event is lost that comes before the watch has discovered the manager.
        while not watch.find(connected, 0):
            assert up.process.poll() is None, up.output
            with contextlib.closing(RunningCommand(device, elsewhere.environment)):
                watch.find(connected, 3.0)
        watch.wait_for(TIME + r'R2001 \(TubeRack, uid 10758656\) timed out$')


def test_the_time_of_a_message_is_printed_whatever_it_is() -> None:
    assert re.fullmatch(r'\d\d:\d\d:\d\d\.250', clock(1.7e9 + 0.25))
    assert clock(1e300) == '1e+300 s since 1970'
    assert clock(math.nan) == 'nan s since 1970'
    assert clock(-math.inf) == '-inf s since 1970'
