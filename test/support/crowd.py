"""Hundreds of devices of one manager, which ping in turns."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from manager_process import PATIENCE_S
from managers import ManagerStarter, RunningManager
from sample_fleet import SampleDevice, sample_tables

from hos_device_layer.database import LocalCopy

_FIRST_UID = 50_000
_TICK_S = 0.05


def crowd_of(count: int) -> list[SampleDevice]:
    return [SampleDevice(f'C{i:03}', _FIRST_UID + i, 'Bench') for i in range(count)]


def start_crowded_manager(
    starter: ManagerStarter, folder: Path, crowd: list[SampleDevice], **parameters: Any
) -> RunningManager:
    """Start a manager whose fleet is the crowd."""
    rows: list[Any] = [
        {'device_id': d.device_id, 'device_uid': d.uid, 'device_type': d.device_type}
        for d in crowd
    ]
    LocalCopy(folder).write({**sample_tables(), 'fleet-crowd': rows})
    return starter.start(
        fleet='crowd', device_db_path=folder, diagnostics_period_s=0.5, **parameters
    )


class Pinger:
    """Connects the devices of a crowd and pings for them, for each once in `turns` ticks."""

    def __init__(self, manager: RunningManager, crowd: list[SampleDevice], turns: int) -> None:
        self.rounds = 0
        self.silent: set[int] = set()
        self._crowd = crowd
        self._turns = turns
        self._side = manager.side
        self._turn = 0
        self._news = threading.Condition()
        futures = [manager.side.connect_async(device.uid) for device in crowd]
        manager.caller.wait_for(lambda: all(future.done() for future in futures))
        assert all(future.result().success for future in futures)
        self._timer = manager.side.node.create_timer(_TICK_S, self._ping_some)

    def wait_for_rounds(self, rounds: int) -> None:
        with self._news:
            until = self.rounds + rounds
            assert self._news.wait_for(lambda: self.rounds >= until, PATIENCE_S)

    def stop(self) -> None:
        self._timer.cancel()

    def _ping_some(self) -> None:
        # Some of them each time: a round is short beside the timeout.
        for device in self._crowd[self._turn :: self._turns]:
            if device.uid not in self.silent:
                self._side.ping(device.uid)
        self._turn = (self._turn + 1) % self._turns
        if self._turn == 0:
            with self._news:
                self.rounds += 1
                self._news.notify_all()
