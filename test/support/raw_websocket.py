"""A WebSocket client on a bare socket, which reads when a test says so (RFC 6455)."""

from __future__ import annotations

import json
import socket
from typing import Any

from manager_double import WAIT_S

HANDSHAKE = (
    b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
)
_MASK = b'\x01\x02\x03\x04'


class RawWebSocket:
    """
    Connects to a gateway; `headers` are added to those of the handshake.

    `receive_buffer` is the size of the kernel's buffer for what was not read yet [bytes].
    """

    def __init__(self, port: int, headers: bytes = b'', receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(WAIT_S)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(('127.0.0.1', port))
        self.socket.sendall(HANDSHAKE + headers + b'\r\n')
        self._stream = self.socket.makefile('rb')
        self.response = b''
        while not self.response.endswith(b'\r\n\r\n'):
            self.response += self._stream.readline()

    def __enter__(self) -> RawWebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self.socket.close()

    def say(self, frame: Any) -> None:
        self.socket.sendall(masked(0x81, json.dumps(frame).encode()))

    def hear(self) -> Any:
        """Read a frame of text: FIN set, no extension, no mask (section 5.2)."""
        while True:
            first, content = self.hear_frame()
            if first == 0x89:  # a ping
                continue
            assert first == 0x81
            return json.loads(content)

    def hear_close(self) -> tuple[int, str]:
        """Read up to a close frame, and the end; return the code and the reason."""
        while True:
            first, content = self.hear_frame()
            if first == 0x88:
                assert self._stream.read(1) == b''
                return int.from_bytes(content[:2], 'big'), content[2:].decode()

    def hear_frame(self) -> tuple[int, bytes]:
        """Read a frame; return its first byte and its content."""
        first, length = self._stream.read(2)
        size = length
        if length >= 126:
            size = int.from_bytes(self._stream.read(2 if length == 126 else 8), 'big')
        return first, self._stream.read(size)


def masked(first: int, content: bytes = b'') -> bytes:
    """Return the frame of a client (section 5.2); `first` is FIN and the opcode."""
    assert len(content) < 126 * 256
    length = (
        bytes([0x80 | len(content)])
        if len(content) < 126
        else bytes([0x80 | 126]) + len(content).to_bytes(2, 'big')
    )
    return (
        bytes([first])
        + length
        + _MASK
        + bytes(byte ^ _MASK[i % 4] for i, byte in enumerate(content))
    )
