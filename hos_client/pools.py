"""The places where a client stores its devices: in memory or in a file."""

from __future__ import annotations

import logging
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .device import Device
from .errors import DeviceError, UnknownDeviceError

_log = logging.getLogger(__name__)

# How long to wait while another program has locked the file [s].
_BUSY_S = 10.0


class DeviceManagerInterface(ABC):
    """A set of devices by id; a client calls it from several threads."""

    @abstractmethod
    def add(self, device: Device) -> None:
        """Add a device; if its id exists, log a warning and keep the existing device."""

    @abstractmethod
    def update(self, device: Device) -> None:
        """Replace a device; raises UnknownDeviceError."""

    @abstractmethod
    def remove(self, id_str: str) -> None:
        """Remove a device; raises UnknownDeviceError."""

    @abstractmethod
    def get(self, id_str: str) -> Device:
        """Return a device; raises UnknownDeviceError."""

    @abstractmethod
    def devices(self) -> list[Device]:
        """Return all devices, in the order in which they were added."""


class DevicePool(DeviceManagerInterface):
    """Stores devices in memory."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def add(self, device: Device) -> None:
        """Add a device; if its id exists, log a warning and keep the existing device."""
        if self._devices.setdefault(device.id, device) is not device:
            _warn_duplicate(device)

    def update(self, device: Device) -> None:
        """Replace a device; raises UnknownDeviceError."""
        self.get(device.id)
        self._devices[device.id] = device

    def remove(self, id_str: str) -> None:
        """Remove a device; raises UnknownDeviceError."""
        self.get(id_str)
        del self._devices[id_str]

    def get(self, id_str: str) -> Device:
        """Return a device; raises UnknownDeviceError."""
        try:
            return self._devices[id_str]
        except KeyError:
            raise UnknownDeviceError(id_str) from None

    def devices(self) -> list[Device]:
        """Return all devices, in the order in which they were added."""
        return list(self._devices.values())


class DeviceStore(DeviceManagerInterface):
    """
    Stores devices in an SQLite file: a change survives any crash once its method has returned.

    Raises DeviceError if the file cannot be used. Devices are returned as `Device`, even if a
    subclass was stored.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._wrap_errors():
            self._database = sqlite3.connect(
                path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None
            )
            self._database.execute('PRAGMA journal_mode = WAL')
            # In WAL mode the default survives a crash of the program; FULL a power failure, too.
            self._database.execute('PRAGMA synchronous = FULL')
            self._database.execute('PRAGMA foreign_keys = ON')
            self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._database.close()

    def add(self, device: Device) -> None:
        """Add a device; if its id exists, log a warning and keep the existing device."""
        with self._transaction() as database:
            known = database.execute('SELECT 1 FROM devices WHERE id = ?', (device.id,))
            if known.fetchone():
                _warn_duplicate(device)
                return
            database.execute(
                'INSERT INTO devices (id, type, name, uid) VALUES (?, ?, ?, ?)',
                (device.id, device.type, device.name, device.uid),
            )
            _write_tags(database, device)

    def update(self, device: Device) -> None:
        """Replace a device; raises UnknownDeviceError."""
        with self._transaction() as database:
            changed = database.execute(
                'UPDATE devices SET type = ?, name = ?, uid = ? WHERE id = ?',
                (device.type, device.name, device.uid, device.id),
            )
            if changed.rowcount == 0:
                raise UnknownDeviceError(device.id)
            database.execute('DELETE FROM tags WHERE device_id = ?', (device.id,))
            _write_tags(database, device)

    def remove(self, id_str: str) -> None:
        """Remove a device; raises UnknownDeviceError."""
        with self._transaction() as database:
            if database.execute('DELETE FROM devices WHERE id = ?', (id_str,)).rowcount == 0:
                raise UnknownDeviceError(id_str)

    def get(self, id_str: str) -> Device:
        """Return a device; raises UnknownDeviceError."""
        devices = self._read('WHERE id = ?', (id_str,))
        if not devices:
            raise UnknownDeviceError(id_str)
        return devices[0]

    def devices(self) -> list[Device]:
        """Return all devices, in the order in which they were added."""
        return self._read('', ())

    def _read(self, where: str, parameters: tuple[str, ...]) -> list[Device]:
        with self._transaction() as database:
            # `where` is one of the two literals above.
            rows = database.execute(
                f'SELECT id, type, name, uid FROM devices {where} ORDER BY position',  # noqa: S608
                parameters,
            )
            devices = {row[0]: Device(*row) for row in rows}
            tags = database.execute('SELECT device_id, id, tag FROM tags ORDER BY position')
            for device_id, tag_id, tag in tags:
                if device := devices.get(device_id):
                    device.add_tag(tag_id, tag)
        return list(devices.values())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._wrap_errors():
            self._database.execute('BEGIN IMMEDIATE')
            try:
                yield self._database
            except BaseException:
                self._database.execute('ROLLBACK')
                raise
            self._database.execute('COMMIT')

    @contextmanager
    def _wrap_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DeviceError(f'cannot use the device store {self._path}: {error}') from error


_SCHEMA = """
CREATE TABLE IF NOT EXISTS devices (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    uid INTEGER
);
CREATE TABLE IF NOT EXISTS tags (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    tag TEXT NOT NULL,
    UNIQUE (device_id, id)
);
"""


def _write_tags(database: sqlite3.Connection, device: Device) -> None:
    database.executemany(
        'INSERT INTO tags (device_id, id, tag) VALUES (?, ?, ?)',
        [(device.id, tag_id, tag) for tag_id, tag in device.tags.items()],
    )


def _warn_duplicate(device: Device) -> None:
    _log.warning('the device %r already exists; use update to change it', device.id)
