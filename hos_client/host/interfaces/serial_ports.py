"""The serial ports of this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from serial.tools import list_ports

from ..detected import Info
from ..interface import Interface

BY_ID_FOLDER = Path('/dev/serial/by-id')


class Port(Protocol):
    """What is known about a port, as pyserial lists it; None or empty where it is not known."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str | None
    manufacturer: str | None
    product: str | None


class SerialInterface(Interface):
    """
    Finds serial ports; each is known by its path, as `/dev/ttyUSB0`.

    The fleet's `serial_info` may name a port, from the most specific name to the least: its name
    in /dev/serial/by-id, its USB serial number, its path or the last part of it, or `vid:pid`.
    """

    connection_type = 'serial'
    _loop_delay = 3.0

    def __init__(
        self,
        list_them: Callable[[], Iterable[Port]] | None = None,
        by_id_folder: Path = BY_ID_FOLDER,
    ) -> None:
        self._list_them: Callable[[], Iterable[Any]] = list_them or list_ports.comports
        self._by_id_folder = by_id_folder

    def get_devices(self) -> Mapping[str, Info]:
        by_id = self._names_by_id()
        ports: Iterable[Port] = self._list_them()
        return {port.device: _info(port, by_id.get(port.device, ())) for port in ports}

    def _names_by_id(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        if self._by_id_folder.is_dir():
            for link in sorted(self._by_id_folder.iterdir()):
                # The whole path and the name alone are both natural to write.
                names.setdefault(str(link.resolve()), []).extend((link.name, str(link)))
        return names


def _info(port: Port, by_id: Iterable[str]) -> dict[str, Any]:
    usb_id = '' if port.vid is None or port.pid is None else f'{port.vid:04x}:{port.pid:04x}'
    names = [*by_id, port.serial_number, port.device, Path(port.device).name, usb_id]
    return {
        'names': tuple(name for name in names if name),
        'usb_id': usb_id,
        'serial_number': port.serial_number or '',
        'manufacturer': port.manufacturer or '',
        'product': port.product or '',
        # A device node that was made anew is another device, or one that has been replugged.
        'node': _node(port.device),
    }


def _node(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_rdev
