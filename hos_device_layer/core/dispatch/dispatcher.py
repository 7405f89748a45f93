"""
Decides which devices are connected, which calls run, and how each call ends.

The dispatcher has no input or output of its own: `handle` takes an event and returns effects,
which the device manager performs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from ..errors import ValueMismatchError
from ..spec.records import FleetDevice, Spec
from ..text import shortened
from ..timestamp import Timestamp
from .connections import ConnectionEffects, Connections, EndTasks
from .effects import DevicesAnswer, Effect, LogDropped, PublishSample
from .events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    DescriptionRequested,
    DevicesRequested,
    Event,
    LinkClosed,
    Paused,
    Pinged,
    ResultReported,
    SendFailed,
    SpecReplaced,
    StopRequested,
    StreamSampled,
    Tick,
)
from .fleet_description import describe_fleet
from .fleet_index import FleetIndex
from .results import parse_values
from .task_lifecycle import TaskLifecycle
from .tasks import RunningTasks

_STOPPED = 'the device manager was stopped; the device may still execute the command'

_Handler: TypeAlias = Callable[[Any, Timestamp, str], 'list[Effect] | ConnectionEffects']


class DispatcherLimits(msgspec.Struct, frozen=True):
    """How long the dispatcher waits [s], and how many tasks and waiting devices it keeps."""

    device_timeout_s: float = 20.0
    disconnect_after_s: float = 15.0
    command_accept_timeout_s: float = 5.0
    command_result_timeout_s: float = 60.0
    max_running_tasks: int = 4000
    max_waiting_devices: int = 1_000


class Dispatcher:
    """Connections and tasks of one fleet; `task_ids` yields ids that were never used before."""

    def __init__(
        self,
        spec: Spec,
        fleet: str,
        limits: DispatcherLimits,
        task_ids: Iterator[int],
        now: Timestamp,
    ) -> None:
        self._fleet = FleetIndex(spec, fleet)
        self.connections = Connections(
            self._fleet,
            limits.device_timeout_s,
            limits.disconnect_after_s,
            limits.max_waiting_devices,
            now,
        )
        self.tasks = RunningTasks(limits.command_accept_timeout_s, limits.command_result_timeout_s)
        self._lifecycle = TaskLifecycle(
            self._fleet, self.connections, self.tasks, task_ids, limits.max_running_tasks
        )
        self._handlers: dict[type[Event], _Handler] = {
            ConnectRequested: self.connections.connect_requested,
            Pinged: self.connections.pinged,
            LinkClosed: self.connections.link_closed,
            CommandAnswered: self._lifecycle.command_answered,
            ResultReported: self._lifecycle.result_reported,
            StreamSampled: self._stream_sampled,
            CallRequested: self._lifecycle.call_requested,
            DevicesRequested: self._devices_requested,
            DescriptionRequested: self._description_requested,
            SendFailed: self._lifecycle.send_failed,
            SpecReplaced: self._spec_replaced,
            Tick: self._ticked,
            Paused: self.connections.paused,
            StopRequested: self._stop_requested,
        }

    @property
    def spec(self) -> Spec:
        """The specification in effect."""
        return self._fleet.spec

    @property
    def fleet(self) -> str:
        """The name of the fleet."""
        return self._fleet.name

    @property
    def devices(self) -> Mapping[str, FleetDevice]:
        """The devices of the fleet, by device id."""
        return self._fleet.devices

    def unknown_uid(self, uid: int, description: str = '') -> str:
        """Return why a uid is not in the fleet, and what to do."""
        return self._fleet.unknown_uid(uid, description)

    def next_deadline(self) -> float | None:
        """Return a time [s, steady] before which a `Tick` has nothing to do."""
        times = (self.connections.next_deadline(), self.tasks.next_deadline())
        return min((time for time in times if time is not None), default=None)

    def handle(self, event: Event, now: Timestamp, link: str = '') -> list[Effect]:
        """
        Handle an event and return its effects, in the order in which to perform them.

        `link` is the name of the link that reports the event, or '' for the device manager
        itself. The effects of a request event contain exactly one answer.
        """
        effects: list[Effect] = []
        for effect in self._handlers[type(event)](event, now, link):
            if isinstance(effect, EndTasks):
                effects += self._lifecycle.end_of_device(effect, now)
            else:
                effects.append(effect)
        return effects

    def _stream_sampled(self, event: StreamSampled, _now: Timestamp, link: str) -> list[Effect]:
        uid, stream_name = event.uid, event.stream_name
        device = self._fleet.by_uid.get(uid)
        stream = self.spec.streams.get(stream_name)
        if device is None or stream is None or device.device_type not in stream.device_types:
            what = f'a sample of uid {uid}: {shortened(stream_name)}'
            return [LogDropped(f'{what} is not a stream of its device type')]
        what = f'a sample of {stream_name!r} from {device.device_id!r}'
        if reason := self.connections.foreign_link(uid, link):
            return [LogDropped(f'{what}: {reason}')]
        try:
            parse_values(event.data, stream.values)
        except ValueMismatchError as mismatch:
            return [LogDropped(f'{what} does not fit the stream: {mismatch}')]
        return [PublishSample(link, uid, stream_name, event.data, event.is_latched)]

    def _devices_requested(
        self, _event: DevicesRequested, _now: Timestamp, _link: str
    ) -> list[Effect]:
        return [DevicesAnswer(self.connections.connected_devices())]

    def _description_requested(
        self, event: DescriptionRequested, _now: Timestamp, _link: str
    ) -> list[Effect]:
        return [describe_fleet(self._fleet, self.connections, self.tasks, event.device_ids)]

    def _ticked(self, event: Tick, now: Timestamp, _link: str) -> ConnectionEffects:
        until = event.until
        return [*self._lifecycle.advance(until, now), *self.connections.advance(until, now)]

    def _stop_requested(self, _event: StopRequested, now: Timestamp, _link: str) -> list[Effect]:
        # The device manager can no longer receive the results of these tasks.
        return self._lifecycle.end_all(_STOPPED, now)

    def _spec_replaced(self, event: SpecReplaced, now: Timestamp, _link: str) -> ConnectionEffects:
        self._fleet = FleetIndex(event.spec, self._fleet.name)
        self._lifecycle.replace_fleet(self._fleet)
        return self.connections.replace_fleet(self._fleet, now)
