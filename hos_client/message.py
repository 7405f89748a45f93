"""The values that a client returns: tasks, and the outcomes of requests."""

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
    The outcome of a request; true if it succeeded.

    `status` is an HTTP status code (RFC 9110 section 15). `payload` is the platform's answer, in
    the format `content_type`.
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

    The payload holds `device_id`, `function_name` and `protocol_parts`, which is `metadata` and
    `data`. `data` holds the arguments by name, with the types of the specification; or it is the
    serialized command, and the content type is plain text.
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
        """The uid of the device and the id of the command."""
        metadata: Mapping[str, Any] = self.payload['protocol_parts']['metadata']
        return metadata

    def progress(self, data: Any) -> Message:
        """
        Report the progress of the task; does not wait.

        Sends a sample of the stream `progress`, which the device's type must have.
        """
        assert self.report_progress is not None
        return self.report_progress(self, data)
