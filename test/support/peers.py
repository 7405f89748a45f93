"""Peers of a broker that exchange frames as text, as over a socket, and their frames."""

from __future__ import annotations

import json
from typing import Any

from hos_device_layer.core.dispatch.commands import Command
from hos_device_layer.core.rosbridge import (
    LOCAL_ACCESS,
    Access,
    Role,
    SessionEvent,
    SessionLimits,
)
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function

UID = 10758656
SERIALIZED = f'haive_os/device/uid{UID}/serialized_command'
TYPED = f'haive_os/device/uid{UID}/command'
STREAM = f'haive_os/device/uid{UID}/stream/temperature'

# The uid of another device.
OTHER = 7

TOKENS = {
    'device': Access(frozenset({Role.DEVICE}), frozenset({UID}), 'bay 1'),
    'operator': Access(frozenset({Role.OPERATOR}), frozenset(), 'shift'),
    'viewer': Access(frozenset({Role.VIEWER}), frozenset(), 'wall'),
}


def ping(uid: int = UID) -> dict[str, Any]:
    return {'op': 'publish', 'topic': 'haive_os/device/ping', 'msg': {'data': uid}}


def connect(uid: int = UID) -> dict[str, Any]:
    return {'op': 'call_service', 'service': 'haive_os/device/connect', 'args': {'uid': uid}}


def advertise(service: str = SERIALIZED) -> dict[str, Any]:
    return {'op': 'advertise_service', 'service': service}


class Peer:
    """
    A peer with a session.

    `wakes` counts how often the session had frames to send; they are sent at once, or when
    `is_slow` they wait until the peer `hears` them.
    """

    def __init__(
        self,
        broker: Broker,
        access: Access | None = LOCAL_ACCESS,
        address: str = '127.0.0.1',
        limits: SessionLimits | None = None,
    ) -> None:
        self.wakes = 0
        self.is_slow = False
        self._sent: list[str | bytes] = []
        self.session = broker.open_session(
            access, address, TOKENS.get, self._wake, limits or SessionLimits(), 0.0
        )

    def _wake(self) -> None:
        self.wakes += 1
        if not self.is_slow:
            self._send()

    def says(self, frame: Any, now: float = 0.0) -> list[SessionEvent]:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        return self.session.receive(text, now)

    def hears(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.hears_text()]

    def hears_text(self) -> list[str]:
        return [text for text in self.hears_encoded() if isinstance(text, str)]

    def hears_encoded(self) -> list[str | bytes]:
        self._send()
        sent, self._sent = self._sent, []
        return sent

    def _send(self) -> None:
        while (text := self.session.outgoing.next_text()) is not None:
            self._sent.append(text)

    def refusal(self) -> str:
        """Return the text of the one refusal that was sent."""
        (refusal,) = self.hears()
        if refusal['op'] == 'service_response':
            assert refusal['result'] is False
            return str(refusal['values'])
        assert refusal['op'] == 'status' and refusal['level'] == 'error'
        return str(refusal['msg'])


def serialized_command(cmd_id: int = 0, uid: int = UID) -> Command:
    return Command(cmd_id, uid, Function('my_test_function'), (), 'A2B3')


def typed_command(cmd_id: int = 0, uid: int = UID) -> Command:
    function = Function('move', (Field('x', FieldType.FLOAT32), Field('name', FieldType.STRING)))
    return Command(cmd_id, uid, function, ('1.5', 'left'), None)


def serves(broker: Broker, uid: int) -> bool:
    """Return whether a session serves a device."""
    return broker._devices.session(uid) is not None
