"""Tasks on their way to their devices."""

from __future__ import annotations

import threading

from fake_fleet import fleet
from running_host import running_host

from hos_client.host import Action
from hos_client.host.drivers.l1 import L1Driver
from hos_device_layer.testing.serial_device import (
    L1Board,
)

STOP = next(f for f in fleet().functions if f.name == 'shaker_stop')


def test_an_action_whose_time_is_over_is_given_up() -> None:
    release = threading.Event()

    class Blocking(L1Driver):
        def action(self, data: Action) -> object:
            release.wait()
            return {}

    base = fleet()
    quick = [
        f if f.name != 'shaker_stop' else type(f)(f.name, device_types=f.device_types,
        serializer=f.serializer, timeout_s=0.3) for f in base.functions
    ]  # fmt: skip
    of_fleet = type(base)(base.name, base.devices, base.device_types, tuple(quick), base.streams)
    with running_host(Blocking, of_fleet=of_fleet) as rig:
        rig.plug(L1Board())
        rig.send(STOP, cmd_id=1)
        rig.send(STOP, cmd_id=2)
        errors = {event[2]: event[4] for event in (rig.event('result') for _ in range(2))}
        assert 'the driver did not finish within' in errors[1]
        assert "busy with 'shaker_stop'" in errors[2]
        release.set()
