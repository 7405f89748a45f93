"""Interface for the serial ports of this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from serial.tools import list_ports

from ..detected import Info
from ..interface import Interface

BY_ID_FOLDER = Path('/dev/serial/by-id')


class Port(Protocol):
    """A port as pyserial lists it; unknown values are None or empty."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str | None
    manufacturer: str | None
    product: str | None


class SerialInterface(Interface):
    """
    Discovers serial ports; the identifier is the path, such as `/dev/ttyUSB0`.

    The fleet's `serial_info` may name a port, from the most to the least specific, by: its name
    in /dev/serial/by-id, its USB serial number, its path or the last part of it, or `vid:pid`.
    """

    connection_type = 'serial'
    _loop_delay = 3.0

    def __init__(
        self,
        list_all: Callable[[], Iterable[Port]] | None = None,
        by_id_folder: Path = BY_ID_FOLDER,
    ) -> None:
        self._list_all: Callable[[], Iterable[Any]] = list_all or list_ports.comports
        self._by_id_folder = by_id_folder

    def get_devices(self) -> Mapping[str, Info]:
        """Return the ports by path."""
        by_id = self._names_by_id()
        ports: Iterable[Port] = self._list_all()
        return {port.device: _info(port, by_id.get(port.device, ())) for port in ports}

    def _names_by_id(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        if self._by_id_folder.is_dir():
            for link in sorted(self._by_id_folder.iterdir()):
                # Users may write the whole path or only the name.
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
        # A new device node means another device, or one that was plugged in again.
        'node': _node(port.device),
    }


def _node(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_rdev
