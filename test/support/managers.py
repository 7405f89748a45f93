"""Device managers as processes, and callers and devices that use them over DDS."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from manager_process import MANAGER, Program
from ros_peers import Caller, Device, DeviceSide, OnCommand, Ros, numbered
from sample_fleet import FLEET, SampleDevice, SampleDevices

_NAMES = numbered('/manager')


class RunningManager(NamedTuple):
    """A running manager with a caller and its devices, in a namespace of its own."""

    program: Program
    caller: Caller
    side: DeviceSide
    pool: SampleDevices

    def device(self, row: SampleDevice, on_command: OnCommand | None = None) -> Device:
        return Device(self.side, row, on_command).connect()

    def bench(self, on_command: OnCommand | None = None) -> Device:
        """Return a connected device that takes typed commands and was never used before."""
        return self.device(next(self.pool.benches), on_command)

    def arm(self, on_command: OnCommand | None = None) -> Device:
        """Return a connected device that takes serialized commands."""
        return self.device(next(self.pool.arms), on_command)


class ManagerStarter:
    """Starts managers and other programs; `close` ends them."""

    def __init__(self, ros: Ros, device_db: Path, folder: Path) -> None:
        self._ros = ros
        self._device_db = device_db
        self._folder = folder
        self._exit = contextlib.ExitStack()

    def program(self, module: str, *ros_arguments: str, **parameters: Any) -> Program:
        program = Program(module, *ros_arguments, **parameters)
        self._exit.callback(program.end)
        return program

    def manager(self, *ros_arguments: str, **parameters: Any) -> Program:
        settings = {
            'fleet': FLEET,
            'device_db_path': self._device_db,
            'diagnostics_period_s': 0.1,
            'gateway_port': 0,
            'state_folder': self._folder / 'state',
            **parameters,
        }
        return self.program(MANAGER, *ros_arguments, **settings)

    def start(self, namespace: str = '', **parameters: Any) -> RunningManager:
        """Start a manager that gives nothing up while a busy machine runs a test."""
        namespace = namespace or next(_NAMES)
        patience = {'device_timeout_s': 600, 'command_accept_timeout_s': 600}
        program = self.manager(
            *('-r', f'__ns:={namespace}', '-r', f'/diagnostics:={namespace}/diagnostics'),
            **{**patience, **parameters},
        )
        program.wait_for_output('devices expected')
        side, caller = DeviceSide(self._ros, namespace), Caller(self._ros, namespace)
        return RunningManager(program, caller, side, SampleDevices())

    def close(self) -> None:
        self._exit.close()
