"""The devices of a client as the program wants them now: known, connected or left out."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Sequence

from hos_device_layer.core.rosbridge.device_descriptions import MAX_DEVICES
from hos_device_layer.core.text import shortened

from .descriptions import problem_of
from .device import Device
from .guarding import report_exception
from .message import Message
from .pools import DeviceManagerInterface

_log = logging.getLogger(__name__)

TOO_MANY = Message(
    409, f'a client may have at most {MAX_DEVICES} devices; use another client for the rest'
)


class LocalDevices:
    """
    What the program has changed takes effect here at once, from any thread.

    Devices whose description cannot be sent are left out; so are those beyond the limit.
    """

    def __init__(self, devices: DeviceManagerInterface) -> None:
        self._devices = devices
        self._lock = threading.Lock()
        self._reads = itertools.count(1)
        self._last_read = 0
        self._disconnected: set[str] = set()
        self._deleted: set[str] = set()
        self._left_out: dict[str, Message] = {}
        self._by_id: dict[str, Device] = {}
        self._by_uid: dict[int, Device] = {}
        self._read()

    # Changes of the program

    def refresh(self) -> None:
        """Read the devices again, because they have changed; if that fails, keep those known."""
        try:
            self._read()
        except BaseException as error:
            report_exception('the devices could not be read', error)

    def _read(self) -> None:
        # Not under the lock: it is the program's code. A read that began later knows more.
        number = next(self._reads)
        devices = list(self._devices.devices())
        with self._lock:
            if number > self._last_read:
                self._last_read = number
                self._by_id = {device.id: device for device in devices}
                self._by_uid = {d.uid: d for d in devices if d.uid is not None}

    def include(self, device_id: str) -> None:
        """Connect a device again, if it was excluded or deleted."""
        self._disconnected.discard(device_id)
        self._deleted.discard(device_id)

    def exclude(self, device_id: str) -> None:
        """Do not connect a device until it is included again."""
        self._disconnected.add(device_id)

    def delete(self, device_id: str) -> None:
        """Record that the program does not have a device any longer."""
        self._deleted.add(device_id)

    # Questions

    @property
    def uids(self) -> list[int]:
        """The uids of all known devices."""
        return list(self._by_uid)

    def latest(self, device: Device) -> Device:
        """Return a device as the program has it now, or as it was given if it is not known."""
        return self._by_id.get(device.id, device)

    def is_deleted(self, device_id: str) -> bool:
        """Whether the program has deleted the device."""
        return device_id in self._deleted

    def is_excluded(self, device_id: str) -> bool:
        """Whether the program has disconnected the device."""
        return device_id in self._disconnected

    def is_left_out(self, device_id: str) -> bool:
        """Whether the device was found to be one that cannot be used."""
        return device_id in self._left_out

    def by_uid(self, uid: int) -> Device | None:
        """Return the device that is to be connected with a uid, None if there is none."""
        device = self._by_uid.get(uid)
        if device is None or device.id in self._disconnected or device.id in self._left_out:
            return None
        return device

    # Checks

    def check(self, device: Device, max_frame_bytes: int) -> Message | None:
        """Return why a device is left out, None if it can be used."""
        before = self._left_out.pop(device.id, None)
        problem = self._problem_of(device, max_frame_bytes)
        if problem is not None:
            self._left_out[device.id] = problem
            if problem != before:
                _log_left_out(device, problem)
        return problem

    def check_all(self, max_frame_bytes: int) -> Sequence[Device]:
        """Return the devices that can be used; logs which ones cannot, unless it did before."""
        before, found = self._left_out, dict[str, Message]()
        good: list[Device] = []
        surplus: list[Device] = []
        for device in self._by_id.values():
            problem = problem_of(device, max_frame_bytes)
            if problem is not None:
                found[device.id] = Message(422, problem)
                if before.get(device.id) != found[device.id]:
                    _log_left_out(device, found[device.id])
            elif len(good) < MAX_DEVICES:
                good.append(device)
            else:
                found[device.id] = TOO_MANY
                surplus.append(device)
        self._left_out = found
        if any(before.get(device.id) != TOO_MANY for device in surplus):
            first = shortened(surplus[0].id)
            _log.error(
                '%d devices are left out, the first is %s: %s',
                len(surplus),
                first,
                TOO_MANY.payload,
            )
        return good

    def _problem_of(self, device: Device, max_frame_bytes: int) -> Message | None:
        problem = problem_of(device, max_frame_bytes)
        if problem is not None:
            return Message(422, problem)
        others = sum(i != device.id and i not in self._left_out for i in self._by_id)
        return TOO_MANY if others >= MAX_DEVICES else None


def _log_left_out(device: Device, problem: Message) -> None:
    _log.error('device %s is left out: %s', shortened(str(device.id)), problem.payload)
