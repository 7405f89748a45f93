"""Driver for devices on serial ports that send and receive JSON, one object a line."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import msgspec

from hos_device_layer.core.text import shortened

from ..detected import DetectedDevice
from ..driver import Action, Driver
from ..errors import ActionError, DeviceUnavailableError
from ..event_manager import event_manager
from ..lines import LineSplitter
from ..serial_port import SerialPort

_log = logging.getLogger(__name__)

BAUD_RATE = 115200

_MAX_UID = 2**32 - 1


class JsonLinesDriver(Driver):
    """
    A device that receives `{"cmd_id":1,"function":"weigh","args":{}}` and answers in JSON.

    The answer is `{"cmd_id":1,"success":true,"result":{"mass":1}}`, or `"success":false` with an
    `error`. At any time the device may send its uid, `{"uid":12630001}`, or a sample,
    `{"stream":"mass","values":{"mass":1}}`. The driver supports types without `serialized_api`,
    and USB devices that are not identified, until they send their uid.
    """

    connection_type = 'serial'

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        baud_rate = device.row.baud_rate if device.row else None
        self._splitter = LineSplitter()
        self._lock = threading.Lock()
        self._awaited: dict[int, Future[Any]] = {}
        self._invalid_lines = 0
        self._lost_reason = ''
        self._port = SerialPort(
            identifier, baud_rate or BAUD_RATE, self._handle_bytes, self._handle_loss
        )

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether the type has no `serialized_api`, or it is an unidentified USB device."""
        if device.type is not None:
            return not device.type.serialized_api
        return device.row is None and bool(device.info.get('usb_id'))

    def action(self, data: Action) -> Any:
        """Send a command and return the result of the answer."""
        command: dict[str, Any] = {'cmd_id': data.id, 'function': data.function_name}
        command.update({'args': data.arguments} if data.text is None else {'command': data.text})
        answer: Future[Any] = Future()
        with self._lock:
            if self._lost_reason:
                raise DeviceUnavailableError(f'{self.device.name}: {self._lost_reason}')
            self._invalid_lines = 0
            self._awaited[data.id] = answer
        try:
            self._port.write(msgspec.json.encode(command) + b'\n')
            return answer.result(data.timeout_s)
        except FutureTimeoutError:
            raise ActionError(self._timeout_text(data)) from None
        finally:
            with self._lock:
                del self._awaited[data.id]

    def disconnect(self) -> None:
        """Close the port; a running action fails."""
        self._port.close()
        self._end('the port was closed')

    def _timeout_text(self, data: Action) -> str:
        where = f'{self.device.name} at {self._port.baud_rate} baud'
        what = f'did not answer {data.function_name!r} within {data.timeout_s:.1f} s'
        if self._invalid_lines:
            return f'{where} {what}; it sent {self._invalid_lines} lines that are not JSON objects'
        if half := self._splitter.half_line:
            return f'{where} {what}; it sent only part of a line: {shortened(half)}'
        return f'{where} {what}; it sent nothing: is it powered, and is its baud_rate right?'

    # On the port's thread

    def _handle_bytes(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            try:
                message = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                message = None
            if isinstance(message, dict):
                self._handle_message(message)
            else:
                self._invalid_lines += 1
                _log.debug(
                    '%s sent a line that is not a JSON object: %s',
                    self.device.name,
                    shortened(line),
                )

    def _handle_message(self, message: dict[str, Any]) -> None:
        uid, stream, cmd_id = (message.get(key) for key in ('uid', 'stream', 'cmd_id'))
        if isinstance(uid, int) and not isinstance(uid, bool) and 0 <= uid <= _MAX_UID:
            event_manager.device_identified(self, uid)
        if isinstance(stream, str) and isinstance(message.get('values'), (dict, list)):
            self.data = {stream: message['values']}
            event_manager.device_changed(self)
        if isinstance(cmd_id, int):
            self._handle_answer(cmd_id, message)

    def _handle_answer(self, cmd_id: int, message: dict[str, Any]) -> None:
        with self._lock:
            answer = self._awaited.get(cmd_id)
            if answer is None or answer.done():
                return
            if message.get('success') is True:
                answer.set_result(message.get('result'))
            else:
                error = message.get('error') or 'no reason given'
                answer.set_exception(ActionError(f'{self.device.name}: {shortened(error, 500)}'))

    def _handle_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._lost_reason = reason
            for answer in self._awaited.values():
                if not answer.done():
                    answer.set_exception(DeviceUnavailableError(f'{self.device.name}: {reason}'))
