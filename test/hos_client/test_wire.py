"""The frames of a device program."""

from __future__ import annotations

import pytest

from hos_client.wire import write_values
from hos_device_layer.core.errors import ValueMismatchError


@pytest.mark.parametrize(
    ('data', 'text'),
    [
        ({'x': 1, 'ok': True}, '{"x":1,"ok":true}'),
        (None, '{}'),
        ('V5V1', 'V5V1'),
        (5, 'V5'),
        (True, 'V1'),
        (1e-7, 'V0.0000001'),
        ([5, False, 'H4001', 2.5], 'V5V0VH4001V2.5'),
        ((), ''),
    ],
)
def test_values_are_encoded_as_devices_do(data: object, text: str) -> None:
    assert write_values(data) == text


@pytest.mark.parametrize('data', [[float('nan')], [None], object(), {'x': object()}])
def test_values_that_cannot_be_sent(data: object) -> None:
    with pytest.raises(ValueMismatchError):
        write_values(data)
