"""The descriptions of devices: whether they can be sent, and how they fill frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from hos_device_layer.core.rosbridge.frames import DeviceDescription, Sync

from .device import Device

_T = TypeVar('_T', DeviceDescription, str)

# Part of the largest frame that the descriptions in one frame may fill.
_FRAME_FRACTION = 0.5

# The rest of a frame with the longest name of a client takes less than this [bytes].
_FRAME_REST = 1_500

# The longest reason in a log line [characters].
_MAX_REASON = 300


def problem_of(device: Device, max_frame_bytes: int) -> str | None:
    """Return why the description of a device cannot be sent, None if it can."""
    try:
        description = device.describe()
        # With the same limits as in the gateway.
        msgspec.convert(msgspec.to_builtins(description), DeviceDescription)
        size = _bytes_of(description) + _FRAME_REST
    except Exception as error:  # the class of the device may be the program's own
        return f'its description cannot be sent: {str(error).replace("`$.", "`")[:_MAX_REASON]}'
    if size <= max_frame_bytes:
        return None
    return (
        f'its description cannot be sent: its frame has up to {size} bytes; the gateway accepts '
        f'at most {max_frame_bytes}'
    )


def updates(devices: Iterable[Device], max_frame_bytes: int) -> Iterator[Sync]:
    """Return frames that describe devices, each small enough."""
    descriptions = (device.describe() for device in devices)
    for batch in _batches(descriptions, max_frame_bytes):
        yield Sync(update=batch)


def removals(device_ids: Iterable[str], max_frame_bytes: int) -> Iterator[Sync]:
    """Return frames that remove devices, each small enough."""
    for batch in _batches(device_ids, max_frame_bytes):
        yield Sync(remove=batch)


def _batches(values: Iterable[_T], max_frame_bytes: int) -> Iterator[tuple[_T, ...]]:
    max_bytes = int(max_frame_bytes * _FRAME_FRACTION)
    batch: list[_T] = []
    size = 0
    for value in values:
        bytes_of_one = _bytes_of(value) + 1
        if batch and size + bytes_of_one > max_bytes:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(value)
        size += bytes_of_one
    if batch:
        yield tuple(batch)


def _bytes_of(value: DeviceDescription | str) -> int:
    return len(msgspec.json.encode(value))
