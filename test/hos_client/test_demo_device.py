"""The demo device as a program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from gateway_clients import wait_for
from manager_double import WAIT_S, ManagerDouble

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.spec.records import Function
from hos_device_layer.links.gateway import Gateway

BALANCE = 12600110


def test_a_killed_client_is_disconnected_at_once(gateway: Gateway, manager: ManagerDouble) -> None:
    command = [sys.executable, '-m', 'hos_client', '--url', f'ws://127.0.0.1:{gateway.port}']
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
        try:
            assert wait_for(manager, 'connect') == ('connect', BALANCE)
            gateway.send(Command(1, BALANCE, Function('balance_tare'), (), None))
            assert wait_for(manager, 'result')[:4] == ('result', BALANCE, 1, True)
        finally:
            os.kill(program.pid, signal.SIGKILL)
        assert wait_for(manager, 'closed') == ('closed', BALANCE)


def test_the_demo_ends_with_ctrl_c(gateway: Gateway, manager: ManagerDouble) -> None:
    command = [sys.executable, '-m', 'hos_client', '--url', f'ws://127.0.0.1:{gateway.port}']
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        wait_for(manager, 'connect')
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=WAIT_S)
    assert program.returncode == 0 and 'Traceback' not in errors
