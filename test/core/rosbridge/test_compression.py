"""Messages as PNG and CBOR: what decoders of other authors read from them."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.rosbridge.compression import (
    encode_publication,
    png_image,
    strongest,
)
from hos_device_layer.core.rosbridge.messages import (
    ConnectionInfo,
    DeviceAPICallResult,
    DeviceStream,
)

MESSAGES = [
    DeviceStream(2**32 - 1, 'V1.5'),
    ConnectionInfo('H4001', 7, 'DeltaHaive', 1795318123.25),
    DeviceAPICallResult(7, True, '', '{"größe": 1e300}', 1.5, 2.5),
]


def pixels(image: bytes) -> bytes:
    """Return the pixels of an unfiltered RGB image, after the checks that decoders make."""
    assert image.startswith(b'\x89PNG\r\n\x1a\n')
    chunks, rest = {}, image[8:]
    while rest:
        (length,) = struct.unpack('>I', rest[:4])
        kind, content = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack('>I', rest[8 + length : 12 + length]) == (zlib.crc32(kind + content),)
        chunks[kind] = content
        rest = rest[12 + length :]
    assert list(chunks) == [b'IHDR', b'IDAT', b'IEND']
    width, height, *rest_of_header = struct.unpack('>IIBBBBB', chunks[b'IHDR'])
    assert rest_of_header == [8, 2, 0, 0, 0]
    rows = zlib.decompress(chunks[b'IDAT'])
    assert len(rows) == height * (1 + 3 * width)
    starts = range(0, len(rows), 1 + 3 * width)
    assert all(rows[start] == 0 for start in starts)
    return b''.join(rows[start + 1 : start + 1 + 3 * width] for start in starts)


@given(st.binary(max_size=2_000))
def test_an_image_contains_the_data(data: bytes) -> None:
    padded = pixels(png_image(data))
    assert padded[: len(data)] == data
    assert set(padded[len(data) :]) <= {ord('\n')}


def test_a_long_message_is_sent_as_an_image() -> None:
    message = DeviceStream(7, 'V1ä' * 1_000)
    frame = json.loads(encode_publication('t', message, 'png'))
    assert frame['op'] == 'png'
    assert pixels(base64.b64decode(frame['data'])).decode().rstrip() == encode_publication(
        't', message
    )


@pytest.mark.parametrize('message', MESSAGES)
def test_a_short_message_is_sent_as_it_is_if_an_image_would_be_longer(
    message: DeviceStream,
) -> None:
    assert encode_publication('t', message, 'png') == encode_publication('t', message)


@pytest.mark.parametrize('message', MESSAGES)
def test_cbor_contains_the_same_frame_as_json(message: DeviceStream) -> None:
    encoded = encode_publication('/t', message, 'cbor')
    assert isinstance(encoded, bytes)
    assert cbor2.loads(encoded) == json.loads(encode_publication('/t', message))


def test_the_strongest_compression() -> None:
    assert strongest({'none', 'cbor', 'png'}) == 'cbor'
    assert strongest({'png', 'none'}) == 'png'
