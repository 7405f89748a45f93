"""Devices on a serial line that speak JSON, one object a line."""

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
    A device that takes `{"cmd_id":1,"function":"weigh","args":{}}` and answers in kind.

    It may say at any time `{"uid":12630001}`, who it is; `{"stream":"mass","values":{"mass":1}}`,
    a sample; and answers `{"cmd_id":1,"success":true,"result":{"mass":1}}`, or `"success":false`
    with an `error`. It takes types without `serialized_api`, and listens to USB devices that are
    not known, until they say who they are.
    """

    connection_type = 'serial'

    def __init__(self, identifier: str, device: DetectedDevice) -> None:
        super().__init__(identifier, device)
        baud_rate = device.row.baud_rate if device.row else None
        self._splitter = LineSplitter()
        self._lock = threading.Lock()
        self._awaited: dict[int, Future[Any]] = {}
        self._not_understood = 0
        self._lost_reason = ''
        self._port = SerialPort(
            identifier, baud_rate or BAUD_RATE, self._take_bytes, self._take_loss
        )

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        if device.type is not None:
            return not device.type.serialized_api
        return device.row is None and bool(device.info.get('usb_id'))

    def action(self, data: Action) -> Any:
        command: dict[str, Any] = {'cmd_id': data.id, 'function': data.function_name}
        command.update({'args': data.arguments} if data.text is None else {'command': data.text})
        answer: Future[Any] = Future()
        with self._lock:
            if self._lost_reason:
                raise DeviceUnavailableError(f'{self.device.name}: {self._lost_reason}')
            self._not_understood = 0
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
        self._port.close()
        self._end('the port was closed')

    def _timeout_text(self, data: Action) -> str:
        where = f'{self.device.name} at {self._port.baud_rate} baud'
        what = f'has not answered {data.function_name!r} in {data.timeout_s:.1f} s'
        if self._not_understood:
            return f'{where} {what}; it sent {self._not_understood} lines that are no JSON objects'
        if half := self._splitter.half_line:
            return f'{where} {what}; it sent half a line only: {shortened(half)}'
        return f'{where} {what}; it sent nothing: is it powered, and does its baud_rate fit?'

    # On the port's thread

    def _take_bytes(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            try:
                message = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                message = None
            if isinstance(message, dict):
                self._take(message)
            else:
                self._not_understood += 1
                _log.debug('%s sent no JSON object: %s', self.device.name, shortened(line))

    def _take(self, message: dict[str, Any]) -> None:
        uid, stream, cmd_id = (message.get(key) for key in ('uid', 'stream', 'cmd_id'))
        if isinstance(uid, int) and not isinstance(uid, bool) and 0 <= uid <= _MAX_UID:
            event_manager.device_identified(self, uid)
        if isinstance(stream, str) and isinstance(message.get('values'), (dict, list)):
            self.data = {stream: message['values']}
            event_manager.device_changed(self)
        if isinstance(cmd_id, int):
            self._take_answer(cmd_id, message)

    def _take_answer(self, cmd_id: int, message: dict[str, Any]) -> None:
        with self._lock:
            answer = self._awaited.get(cmd_id)
            if answer is None or answer.done():
                return
            if message.get('success') is True:
                answer.set_result(message.get('result'))
            else:
                error = message.get('error') or 'it gave no reason'
                answer.set_exception(ActionError(f'{self.device.name}: {shortened(error, 500)}'))

    def _take_loss(self, reason: str) -> None:
        self._end(reason)
        event_manager.device_lost(self, reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            self._lost_reason = reason
            for answer in self._awaited.values():
                if not answer.done():
                    answer.set_exception(DeviceUnavailableError(f'{self.device.name}: {reason}'))
