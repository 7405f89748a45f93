"""Takes the place of `DeviceManager.handle_event` and records the events of links."""

from __future__ import annotations

from hos_device_layer.core.dispatch.descriptions import DescriptionAnswer
from hos_device_layer.core.dispatch.effects import (
    Answer,
    CallAnswer,
    ConnectAnswer,
    ConnectedDevice,
    DevicesAnswer,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    ConnectRequested,
    DescriptionRequested,
    DevicesRequested,
    Event,
)


class EventRecorder:
    """The reported events, each with the name of its link; requests are answered as set."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.connect_answer = ConnectAnswer(True)
        self.call_answer = CallAnswer(True, '', 7)
        self.devices: tuple[ConnectedDevice, ...] = ()
        self.description = DescriptionAnswer('')

    def __call__(self, link: str, event: Event) -> Answer | None:
        self.events.append((link, event))
        match event:
            case ConnectRequested():
                return self.connect_answer
            case CallRequested():
                return self.call_answer
            case DevicesRequested():
                return DevicesAnswer(self.devices)
            case DescriptionRequested():
                return self.description
        return None

    def of_type(self, event_type: type[Event]) -> list[tuple[str, Event]]:
        """Return the events of a type with the names of their links."""
        return [item for item in self.events if isinstance(item[1], event_type)]
