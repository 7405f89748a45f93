"""Microcontrollers on a serial line that speak L1."""

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

# Beside the time on the line, for a device to say that it has received a command [s].
ANSWER_S = 3.0


class L1Driver(Driver):
    """
    One device on one port, one command at a time; for types with `serialized_api`.

    The lines of a result are passed on as the device wrote them. Stream number n is the n-th
    stream of the device's type by name, from 0.
    """

    connection_type = 'serial'

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        row = device.row
        assert row is not None
        self._line = l1.L1()
        self._lock = threading.Lock()
        # What an action has to know; nobody reads what comes between two actions.
        self._events: queue.SimpleQueue[l1.Event | str] = queue.SimpleQueue()
        self._is_acting = False
        self._is_accepted = False
        self._lost_reason = ''
        self._port = SerialPort(
            identifier, row.baud_rate or BAUD_RATE, self._take_bytes, self._take_loss
        )

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        return device.type is not None and device.type.serialized_api

    def action(self, data: Action) -> Any:
        if data.text is None:
            raise ActionError(f'{data.function_name!r} has no serializer; L1 needs one')
        started = time.monotonic()
        with self._lock:
            command = self._line.command(data.text)
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
                if self._line.is_busy:
                    self._line.give_up()

    def disconnect(self) -> None:
        self._port.close()
        self._end('the port was closed')

    def _wait_for_end(self, deadline: float, started: float, data: Action) -> str:
        noise = 0
        while True:
            news = self._next(deadline)
            match news:
                case l1.Done(values):
                    return values
                case l1.Failed(code):
                    raise ActionError(f'{self.device.name} failed with its error {code}')
                case l1.Noise(garbage):
                    noise += len(garbage)
                case str():
                    raise DeviceUnavailableError(f'{self.device.name}: {news}')
                case None if self._is_accepted and deadline < started + data.timeout_s:
                    deadline = started + data.timeout_s
                case None:
                    raise ActionError(self._timeout_text(deadline - started, data, noise))

    def _next(self, deadline: float) -> l1.Event | str | None:
        """Return what happens next, or None at the deadline."""
        while True:
            now = time.monotonic()
            with self._lock:
                over = self._line.advance(now)
                gap = self._line.next_deadline()
            for event in over:
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
            what = f'{noise} bytes that are no L1: does baud_rate in its row fit the device?'
        elif half := self._line.half_line:
            what = f'half a line only: {shortened(half.decode("ascii", "replace"))}'
        else:
            what = 'nothing: is it powered, and does baud_rate in its row fit?'
        return f'{where} has not ended {data.function_name!r} in {waited_s:.1f} s; it sent {what}'

    # On the port's thread

    def _take_bytes(self, data: bytes) -> None:
        with self._lock:
            events = self._line.receive(data, time.monotonic())
        for event in events:
            self._handle_event(event)

    def _handle_event(self, event: l1.Event) -> None:
        if isinstance(event, l1.Sample):
            streams = self.device.streams
            if event.number < len(streams):
                self.data = {streams[event.number].name: event.values}
                event_manager.device_changed(self)
        elif isinstance(event, (l1.Received, l1.Working)):
            # Nobody is woken for it: it counts when the time to accept is over.
            self._is_accepted = True
        elif self._is_acting:
            self._events.put(event)

    def _take_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._lost_reason = reason
            self._events.put(reason)
