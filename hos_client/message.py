"""What a client gives to its program: commands, and what became of its own requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .device import Device

JSON = 'application/json'
TEXT = 'text/plain'


@dataclass(frozen=True)
class Message:
    """
    An answer. `status` is an HTTP code (RFC 9110 section 15); it is true if that is a success.

    `payload` is what the platform said, as `content_type` tells.
    """

    status: int
    payload: Any = None
    content_type: str = JSON

    def __bool__(self) -> bool:
        return self.status < 400


@dataclass(frozen=True, eq=False)
class Task(Message):
    """
    A command for a device.

    Its payload holds `device_id`, `function_name` and `protocol_parts`: `metadata` about the
    command, and `data`, its arguments by name with the types of the specification, or the
    serialized command as one text, in which case the content type is plain text.
    """

    device: Device | None = field(default=None, repr=False)
    uid: int = 0
    cmd_id: int = 0
    function_name: str = ''
    report_progress: Callable[[Task, Any], Message] | None = field(default=None, repr=False)

    @property
    def data(self) -> Any:
        """The arguments by name, or the serialized command."""
        return self.payload['protocol_parts']['data']

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is known about the command besides its arguments."""
        metadata: Mapping[str, Any] = self.payload['protocol_parts']['metadata']
        return metadata

    def progress(self, data: Any) -> Message:
        """
        Tell how far the task has got, without waiting.

        It is a sample of the stream `progress`, which the device's type has to have.
        """
        assert self.report_progress is not None
        return self.report_progress(self, data)
