"""Programs that `run_node` runs: their exit codes, their output, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hos_command import without_dds
from project import ROOT

PROGRAM = textwrap.dedent("""
    import sys
    from rclpy.node import Node
    from hos_device_layer.core.errors import HosError
    from hos_device_layer.spinning import run_node

    class Talker(Node):
        def __init__(self):
            super().__init__('talker')
            self.count = 0
            if 'refuse' in sys.argv:
                raise HosError('parameter x: expected 1, got 2')
            self.create_timer(0.01, self.on_timer)

        def on_timer(self):
            self.count += 1
            if self.count == 1:
                raise ZeroDivisionError('in a timer')
            if self.count == 2:
                print('spinning', flush=True)

    sys.exit(run_node('talker', Talker, sys.argv, at_end=lambda node: print('at the end')))
""")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / 'talker.py'
    path.write_text(PROGRAM)
    return path


@contextmanager
def running(program: Path, *arguments: str | bytes) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), *sys.path])},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_with_code_0_after_at_end(
    program: Path, number: signal.Signals
) -> None:
    with running(program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'spinning\n'
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, output) == (0, 'at the end\n')
    # The exception of the timer was logged and did not end the program.
    assert errors.count('ZeroDivisionError: in a timer') == 1


def test_an_error_in_the_constructor_ends_the_program_with_code_2(program: Path) -> None:
    with running(program, 'refuse') as process:
        output, errors = process.communicate()
    assert (process.returncode, output) == (2, '')
    assert without_dds(errors) == 'talker: parameter x: expected 1, got 2\n'


@pytest.mark.parametrize(
    'arguments',
    [['--nonsense'], ['-r', '__ns:=/lab/'], ['-p', 'use_sim_time:=7'], [b'-p', b'\xff']],
)
def test_invalid_ros_arguments_end_the_program_with_code_2(
    program: Path, arguments: list[str | bytes]
) -> None:
    with running(program, '--ros-args', *arguments) as process:
        output, errors = process.communicate()
    assert (process.returncode, output) == (2, '')
    assert without_dds(errors).startswith('talker: invalid ROS arguments: ')
    assert 'Traceback' not in errors


def test_a_program_that_cannot_end_is_killed(tmp_path: Path) -> None:
    path = tmp_path / 'stuck.py'
    imports = 'import sys, time\nfrom hos_device_layer import spinning\n'
    stuck = 'at_end=lambda node: time.sleep(1000)'
    text = PROGRAM.replace("at_end=lambda node: print('at the end')", stuck)
    path.write_text(imports + 'spinning.END_TIMEOUT_S = 1\n' + text)
    with running(path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'spinning\n'
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == -signal.SIGALRM
