"""Serial ports: why they cannot be opened, read or written."""

from __future__ import annotations

import ctypes
import os
import tty
from pathlib import Path

import pytest

from hos_client.host import DeviceUnavailableError, SerialPort, serial_port
from hos_client.host.serial_port import open_error_text


def test_a_missing_permission_names_the_group(tmp_path: Path) -> None:
    path = tmp_path / 'tty'
    path.touch()
    reason = open_error_text(str(path), PermissionError(13, 'Permission denied'))
    assert reason.startswith(f'no permission for {path}: join the group ')
    assert 'usermod' in reason
    assert 'no longer exists' in open_error_text('/dev/none', FileNotFoundError(2, 'none'))


def test_opening_a_port_without_permission_names_its_group() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    Path(path).chmod(0o600)
    # Root may open everything: for the file system this thread becomes nobody, setfsuid(2).
    libc, nobody, myself = ctypes.CDLL(None), 65534, os.geteuid()
    if myself != 0:
        Path(path).chmod(0)
    libc.setfsuid(nobody)
    try:
        with pytest.raises(DeviceUnavailableError, match='no permission for'):
            SerialPort(path, 9600, lambda data: None, lambda reason: None)
    finally:
        libc.setfsuid(myself)
    os.close(master)
    os.close(slave)


def test_a_write_to_a_blocked_port_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, 'WRITE_TIMEOUT_S', 0.1)
    master, slave = os.openpty()
    tty.setraw(slave)
    lost: list[str] = []
    port = SerialPort(os.ttyname(slave), 9600, lambda data: None, lost.append)
    with pytest.raises(DeviceUnavailableError, match='accepts no more bytes'):
        port.write(b'x' * 1_000_000)
    port.close()
    port.close()
    with pytest.raises(DeviceUnavailableError, match='was closed'):
        port.write(b'x')
    assert lost == []
    os.close(master)
    os.close(slave)
