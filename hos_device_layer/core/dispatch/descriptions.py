"""What a device manager tells callers about its devices and what they offer, as values."""

from __future__ import annotations

import msgspec

from .connection_states import ConnectionState


class DescribedDevice(msgspec.Struct, frozen=True):
    """
    A device of the fleet, or one that waits to be added to it (`device_id` is '').

    `error` says why the specification does not let it be used; '' if it does.
    """

    device_id: str
    uid: int | None
    device_type: str
    state: ConnectionState
    since_s: float = 0.0  # [s] since the epoch; 0 if it has no connection
    last_seen_s: float = 0.0  # [s] since the epoch; 0 if it was never seen
    tasks: int = 0
    description: str = ''
    error: str = ''
    function_names: tuple[str, ...] = ()
    stream_names: tuple[str, ...] = ()


class DescribedFunction(msgspec.Struct, frozen=True):
    """A function with its declarations; `error` says why it was rejected, if it was."""

    name: str
    arguments: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    description: str = ''
    error: str = ''


class DescribedStream(msgspec.Struct, frozen=True):
    """A stream, its values as declarations."""

    name: str
    values: tuple[str, ...]
    description: str = ''


class DescriptionAnswer(msgspec.Struct, frozen=True):
    """Answers `DescriptionRequested`: devices, the functions and streams of their types."""

    fleet: str
    devices: tuple[DescribedDevice, ...] = ()
    functions: tuple[DescribedFunction, ...] = ()
    streams: tuple[DescribedStream, ...] = ()
