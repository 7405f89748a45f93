"""The commands that talk to the device manager: what ROS refuses, and how a signal ends them."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator

import pytest
from hos_command import without_dds

from hos_device_layer.command_line.__main__ import main
from hos_device_layer.command_line.device_db_reload import request_reload
from hos_device_layer.command_line.ros_session import RosSession, ros_session
from hos_device_layer.exit_signals import EXIT_SIGNALS, SignalInterrupt

# Arguments, and what the error must say.
REFUSED = {
    '--namespace la_b/': "--namespace la_b/: Invalid namespace: namespace must not end with a '/'",
    '--namespace /1a': 'must not have a token that starts with a number',
    '--ros-args -r __ns:=/lab/': '-r __ns:=/lab/: Invalid namespace: namespace must not end with',
    '--ros-args --remap hos:__ns:=/a//b': '--remap hos:__ns:=/a//b: Invalid namespace: ',
    '--ros-args -r x': "Couldn't parse remap rule: '-r x'",
    '--ros-args -r __node:=a-b': "Couldn't parse remap rule: '-r __node:=a-b'",
    '--ros-args -p use_sim_time:=7': "'use_sim_time' to '7' of type 'INTEGER', expecting",
    '--ros-args --params-file /none': "Couldn't parse params file: '--params-file /none'",
    '--ros-args --log-level loud': "Couldn't parse log level: '--log-level loud'",
    '--ros-args --fly': "invalid ROS arguments: ['--fly']",
}
COMMANDS = (['devices'], ['call', 'W5001', 'balance_tare'], ['watch'])


@pytest.mark.parametrize('command', COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize('options', REFUSED)
def test_arguments_that_ros_refuses_end_with_code_2_and_the_reason(
    command: list[str], options: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options.split()]) == 2
    out, err = capfd.readouterr()
    assert out == ''
    assert REFUSED[options] in err
    assert '/project/src' not in err.splitlines()[-1]


def test_a_reload_refuses_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = argparse.Namespace(namespace='/', ros_args=['-r', '__ns:=/lab/'])
    assert request_reload(arguments) == 2
    assert '-r __ns:=/lab/: Invalid namespace' in capsys.readouterr().err


@pytest.mark.parametrize('domain_id', ['233', 'abc'])
def test_a_domain_that_does_not_exist_ends_with_code_2(
    domain_id: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', domain_id)
    assert main(['devices']) == 2
    assert 'ROS_DOMAIN_ID' in capfd.readouterr().err


@pytest.fixture
def session() -> Iterator[RosSession]:
    with ros_session(argparse.Namespace(namespace='/', ros_args=[])) as session:
        yield session


@pytest.mark.parametrize('number', EXIT_SIGNALS)
def test_a_signal_in_a_callback_ends_the_spinning(
    session: RosSession, number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    session.node.create_timer(0.01, lambda: os.kill(os.getpid(), number))
    session.spin(lambda: False)
    with pytest.raises(SignalInterrupt) as interrupt:
        session.spin_until(lambda: False, timeout_s=60)
    assert interrupt.value.exit_code == 128 + number
    assert without_dds(capfd.readouterr().err) == ''


def test_signals_are_handled_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in EXIT_SIGNALS]
    with ros_session(argparse.Namespace(namespace='/', ros_args=[])):
        assert [signal.getsignal(number) for number in EXIT_SIGNALS] != before
    assert [signal.getsignal(number) for number in EXIT_SIGNALS] == before
