"""How published messages are encoded for subscribers: as JSON, PNG or CBOR."""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from typing import Any

import msgspec

from .frames import FrameError, Publish, encode, raw

NONE, PNG, CBOR = 'none', 'png', 'cbor'

# If subscriptions of one peer to one topic differ, the last of these wins, as in rosbridge.
_COMPRESSIONS = (NONE, PNG, CBOR)

_RGB_BYTES = 3


def check_compression(name: str) -> None:
    """Check what a peer asks for; raises FrameError."""
    if name not in _COMPRESSIONS:
        valid = ', '.join(_COMPRESSIONS)
        raise FrameError(f'unknown compression {json.dumps(name)[:50]}; valid values: {valid}')
    if name == CBOR:
        try:
            import cbor2  # noqa: F401
        except ModuleNotFoundError:
            raise FrameError(
                "the gateway lacks the Python package cbor2; ask for compression 'png' or 'none'"
            ) from None


def strongest(compressions: set[str]) -> str:
    """Return the compression for a peer whose subscriptions to a topic ask for all of these."""
    return max(compressions, key=_COMPRESSIONS.index)


def encode_publication(
    topic: str, message: msgspec.Struct, compression: str = NONE
) -> str | bytes:
    """Encode a `publish` frame: text, or for CBOR the bytes of a binary frame."""
    if compression == CBOR:
        return _cbor({'op': 'publish', 'topic': topic, 'msg': msgspec.to_builtins(message)})
    text = encode(Publish(topic=topic, msg=raw(message)))
    if compression == PNG:
        # A short message would only get longer; a client that asked for PNG reads both.
        return min(text, _png_frame(text), key=len)
    return text


def _cbor(value: Any) -> bytes:
    # Client programs import this package without what the gateway needs in addition.
    import cbor2

    encoded: bytes = cbor2.dumps(value)
    return encoded


def _png_frame(text: str) -> str:
    """Return a `png` frame: another frame as the pixels of a PNG image, in base64."""
    image = base64.b64encode(png_image(text.encode())).decode()
    return f'{{"op":"png","data":"{image}"}}'


def png_image(data: bytes) -> bytes:
    """Return a PNG image, nearly square, whose RGB pixels are the data, padded with line feeds."""
    pixels = math.ceil(len(data) / _RGB_BYTES)
    width = max(1, math.isqrt(pixels))
    height = max(1, math.ceil(pixels / width))
    row = width * _RGB_BYTES
    padded = data.ljust(row * height, b'\n')
    # Each row is preceded by its filter: 0, none.
    rows = b''.join(b'\0' + padded[i : i + row] for i in range(0, len(padded), row))
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = ((b'IHDR', header), (b'IDAT', zlib.compress(rows)), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))
