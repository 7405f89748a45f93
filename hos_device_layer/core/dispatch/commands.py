"""A command as the device manager sends it to a device, independent of the link."""

from __future__ import annotations

from typing import NamedTuple

from ..spec.records import Function


class Command(NamedTuple):
    """
    An accepted call, in the form in which it is sent to a device.

    `arguments` are the texts of the values, in the order of `function.arguments`; `serialized` is
    the whole command as one text, or None for a device that takes typed arguments.
    """

    cmd_id: int
    uid: int
    function: Function
    arguments: tuple[str, ...]
    serialized: str | None
