"""The names of serial ports."""

from __future__ import annotations

from pathlib import Path

from hos_client.host.interfaces.serial_ports import SerialInterface
from hos_device_layer.testing.serial_device import FakePort


def test_the_names_of_serial_ports(tmp_path: Path) -> None:
    port, by_id = tmp_path / 'ttyUSB0', tmp_path / 'by-id'
    port.touch()
    by_id.mkdir()
    (by_id / 'usb-Scale_0417').symlink_to(port)
    fake = FakePort(str(port), 0x403, 0x6001, 'A50285BI', manufacturer='ACME')
    interface = SerialInterface(lambda: [fake], by_id)
    (info,) = interface.get_devices().values()
    assert info['names'] == (
        'usb-Scale_0417',
        str(by_id / 'usb-Scale_0417'),
        'A50285BI',
        str(port),
        'ttyUSB0',
        '0403:6001',
    )
    assert info['usb_id'] == '0403:6001' and info['manufacturer'] == 'ACME'
    assert interface.get_devices() == {str(port): info}
    # A node that was made anew is another device.
    port.rename(tmp_path / 'old')
    port.touch()
    assert interface.get_devices() != {str(port): info}


def test_the_serial_ports_of_this_computer_can_be_listed() -> None:
    assert all('names' in info for info in SerialInterface().get_devices().values())
