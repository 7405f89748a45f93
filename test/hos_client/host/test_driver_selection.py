"""Which driver is tried first, and which one supports a device."""

from __future__ import annotations

from fake_fleet import Anything, Child, Important, fleet, row
from running_host import SERIAL_DRIVERS, running_host

from hos_client.host.device_registry import DeviceState
from hos_client.host.driver_selection import candidates_for
from hos_device_layer.testing.serial_device import JsonBoard, L1Board, QueryInstrument


def test_the_order_of_drivers() -> None:
    assert candidates_for([Anything, Child, Important], 'fake') == [Important, Child, Anything]
    assert candidates_for([Anything, Child, Important], 'serial') == []

    class ImportantParent(Anything):
        priority = 9

    class Grandchild(ImportantParent):
        priority = -3

    # A child is asked before its parent, whatever its own priority.
    assert candidates_for([ImportantParent, Grandchild, Important], 'fake') == [
        Grandchild,
        ImportantParent,
        Important,
    ]


def test_the_driver_of_each_type() -> None:
    boards = {'Shaker': L1Board(), 'Meter': QueryInstrument({}), 'Balance': JsonBoard({})}
    for device_type, driver in zip(boards, ('L1Driver', 'LineDriver', 'JsonLinesDriver')):
        with running_host(*SERIAL_DRIVERS, of_fleet=fleet(row(device_type=device_type))) as rig:
            rig.bench.plug(boards[device_type], serial_number='K6101')
            assert rig.wait_for(DeviceState.READY).driver == driver
