"""Driver for microcontrollers on serial ports that use the L1 protocol."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from hos_device_layer.core.text import shortened

from .. import l1
from ..detected import DetectedDevice
from ..driver import Action, Driver
from ..errors import ActionError, DeviceUnavailableError
from ..event_manager import event_manager
from ..serial_port import SerialPort

BAUD_RATE = 9600

# Time for a device to report that it received a command, besides the transmission [s].
ANSWER_S = 3.0


class L1Driver(Driver):
    """
    A device of a type with `serialized_api` on one port, with one command at a time.

    The lines of a result are passed on unchanged. Stream number n is the n-th stream of the
    device's type by name, from 0.
    """

    connection_type = 'serial'

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        row = device.row
        assert row is not None
        self._protocol = l1.L1()
        self._lock = threading.Lock()
        # Events for the running action; events between two actions are ignored.
        self._events: queue.SimpleQueue[l1.L1Event | str] = queue.SimpleQueue()
        self._is_acting = False
        self._is_accepted = False
        self._lost_reason = ''
        self._port = SerialPort(
            identifier, row.baud_rate or BAUD_RATE, self._handle_bytes, self._handle_loss
        )

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether the type has `serialized_api`."""
        return device.type is not None and device.type.serialized_api

    def action(self, data: Action) -> Any:
        """Send a command and return the values of its result."""
        if data.text is None:
            raise ActionError(f'{data.function_name!r} has no serializer, which L1 requires')
        started = time.monotonic()
        with self._lock:
            command = self._protocol.command(data.text)
            self._events = queue.SimpleQueue()
            self._is_acting = True
            self._is_accepted = False
            if self._lost_reason:
                self._events.put(self._lost_reason)
        try:
            self._port.write(command)
            accept_by = started + self._port.transmission_s(command) + ANSWER_S
            return self._wait_for_end(min(accept_by, started + data.timeout_s), started, data)
        finally:
            with self._lock:
                self._is_acting = False
                if self._protocol.is_busy:
                    self._protocol.abandon()

    def disconnect(self) -> None:
        """Close the port; a running action fails."""
        self._port.close()
        self._end('the port was closed')

    def _wait_for_end(self, deadline: float, started: float, data: Action) -> str:
        noise = 0
        while True:
            event = self._next(deadline)
            match event:
                case l1.Done(values):
                    return values
                case l1.Failed(code):
                    raise ActionError(f'{self.device.name} failed with error code {code}')
                case l1.Noise(garbage):
                    noise += len(garbage)
                case str():
                    raise DeviceUnavailableError(f'{self.device.name}: {event}')
                case None if self._is_accepted and deadline < started + data.timeout_s:
                    deadline = started + data.timeout_s
                case None:
                    raise ActionError(self._timeout_text(deadline - started, data, noise))

    def _next(self, deadline: float) -> l1.L1Event | str | None:
        """Wait for the next event and return it; None at the deadline."""
        while True:
            now = time.monotonic()
            with self._lock:
                ended = self._protocol.advance(now)
                gap = self._protocol.next_deadline()
            for event in ended:
                self._handle_event(event)
            wait = deadline - now if gap is None else min(deadline, gap) - now
            try:
                return self._events.get(timeout=max(0.0, wait))
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return None

    def _timeout_text(self, waited_s: float, data: Action, noise: int) -> str:
        where = f'{self.device.name} at {self._port.baud_rate} baud'
        if noise:
            what = f'{noise} bytes that are not L1: is baud_rate in its row right?'
        elif half := self._protocol.half_line:
            what = f'only part of a line: {shortened(half.decode("ascii", "replace"))}'
        else:
            what = 'nothing: is it powered, and is baud_rate in its row right?'
        failure = f'did not finish {data.function_name!r} within {waited_s:.1f} s'
        return f'{where} {failure}; it sent {what}'

    # On the port's thread

    def _handle_bytes(self, data: bytes) -> None:
        with self._lock:
            events = self._protocol.receive(data, time.monotonic())
        for event in events:
            self._handle_event(event)

    def _handle_event(self, event: l1.L1Event) -> None:
        if isinstance(event, l1.Sample):
            streams = self.device.streams
            if event.number < len(streams):
                self.data = {streams[event.number].name: event.values}
                event_manager.device_changed(self)
        elif isinstance(event, (l1.Received, l1.Working)):
            # Does not wake the action, which checks it when the time to accept is over.
            self._is_accepted = True
        elif self._is_acting:
            self._events.put(event)

    def _handle_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._lost_reason = reason
            self._events.put(reason)
