"""Driver for devices with an HTTP API, discovered on the network."""

from __future__ import annotations

from typing import Any

from hos_device_layer.core.text import shortened

from ... import http
from ..detected import DetectedDevice
from ..driver import Action, Driver
from ..errors import ActionError


class HttpDriver(Driver):
    """
    A device that receives commands as HTTP requests.

    Each command is a POST of `{"cmd_id":1,"function":"weigh","args":{}}` to the device's `url`.
    The answer is `{"success":true,"result":{"mass":1}}`, or `"success":false` with an `error`.
    """

    connection_type = 'network'

    @classmethod
    def supported(cls, device: DetectedDevice) -> bool:
        """Return whether the device is identified and has a `url`."""
        return device.row is not None and bool(device.info.get('url'))

    def action(self, data: Action) -> Any:
        """Post a command and return the result of the answer."""
        command: dict[str, Any] = {'cmd_id': data.id, 'function': data.function_name}
        command.update({'args': data.arguments} if data.text is None else {'command': data.text})
        try:
            answer = http.post(self.device.info['url'], json=command, timeout=data.timeout_s)
            message = answer.json() if answer.status == 200 else None
        except http.HttpError as error:
            raise ActionError(f'{self.device.name}: no valid answer: {error}') from None
        if not isinstance(message, dict):
            raise ActionError(
                f'{self.device.name}: expected a JSON object with status 200, got status '
                f'{answer.status}: {shortened(answer.text, 200)}'
            )
        if message.get('success') is not True:
            reason = message.get('error') or 'no reason given'
            raise ActionError(f'{self.device.name}: {shortened(reason, 500)}')
        return message.get('result')
