"""
A server for one device that behaves as rosbridge_server does, on loopback.

It knows neither `sync` nor `confirm` and does not answer them, drops messages on topics that were
not advertised, and answers no invalid frame. See RobotWebTools/rosbridge_suite, branch ros2.
"""

from __future__ import annotations

import itertools
import queue
import threading
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


class RosbridgeServer:
    """
    Serves clients until `stop`; every effect of a frame becomes a tuple in `events`.

    These are `('service', name)`, `('called', name, args)`, `('published', topic, message)` and
    `('response', id, values, result)`.
    """

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self._peer: ServerConnection | None = None
        self._topics: set[str] = set()
        self._numbers = itertools.count(1)
        self._server: Server = serve(self._serve, '127.0.0.1', 0)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f'ws://127.0.0.1:{self._server.socket.getsockname()[1]}'

    def call(self, service: str, args: dict[str, Any]) -> str:
        """Call a service of the peer; returns the id of the call."""
        call_id = f'service_request:{service}:{next(self._numbers)}'
        self._send({'op': 'call_service', 'id': call_id, 'service': service, 'args': args})
        return call_id

    def stop(self) -> None:
        """Close the connections and stop."""
        self._server.shutdown()
        self._thread.join()

    def _serve(self, peer: ServerConnection) -> None:
        self._peer = peer
        self._topics.clear()
        try:
            for text in peer:
                self._receive(msgspec.json.decode(text))
        except ConnectionClosed:
            return

    def _receive(self, frame: dict[str, Any]) -> None:
        match frame['op']:
            case 'advertise':
                self._topics.add(frame['topic'])
            case 'publish' if frame['topic'] in self._topics:
                self.events.put(('published', frame['topic'], frame['msg']))
            case 'advertise_service':
                self.events.put(('service', frame['service']))
            case 'service_response':
                values, result = frame['values'], frame['result']
                self.events.put(('response', frame['id'], values, result))
            case 'call_service':
                self.events.put(('called', frame['service'], frame['args']))
                self._send(
                    {
                        'op': 'service_response',
                        'id': frame['id'],
                        'service': frame['service'],
                        'values': {'success': True, 'error': ''},
                        'result': True,
                    }
                )

    def _send(self, frame: dict[str, Any]) -> None:
        assert self._peer is not None
        self._peer.send(msgspec.json.encode(frame).decode())
