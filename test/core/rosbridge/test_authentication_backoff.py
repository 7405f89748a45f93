import pytest

from hos_device_layer.core.rosbridge.authentication_backoff import AuthenticationBackoff
from hos_device_layer.core.rosbridge.origins import is_allowed_origin


def test_wrong_tokens_slow_an_address_down() -> None:
    admission = AuthenticationBackoff()
    waits = []
    now = 0.0
    for _ in range(9):
        admission.failed('10.0.0.1', now)
        waits.append(admission.wait('10.0.0.1', now))
        now += waits[-1]
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert admission.wait('10.0.0.2', now) == 0.0
    assert admission.wait('10.0.0.1', now + 601) == 0.0


def test_a_network_of_addresses_counts_as_one() -> None:
    admission = AuthenticationBackoff()
    for n in range(3):
        admission.failed(f'2001:db8::{n}', 0.0)
    assert admission.wait('2001:db8::ffff', 0.0) > 0
    assert admission.wait('2001:db8:1::1', 0.0) == 0.0


def test_an_address_in_both_families_is_one() -> None:
    admission = AuthenticationBackoff()
    admission.failed('::ffff:10.0.0.1', 0.0)
    admission.failed('10.0.0.1', 0.0)
    assert admission.wait('::ffff:10.0.0.1', 0.0) > 0


def test_memory_for_addresses_is_bounded() -> None:
    admission = AuthenticationBackoff()
    for n in range(10_002):
        for _ in range(2):
            admission.failed(f'a{n}', 0.0)
    assert admission.wait('a0', 0.0) == 0.0
    assert admission.wait('a10001', 0.0) > 0


@pytest.mark.parametrize(
    ('origin', 'host', 'expected'),
    [
        (None, 'hos.local:9091', True),
        ('file://', 'hos.local:9091', True),
        ('null', '127.0.0.1:9091', False),
        ('http://127.0.0.1:9091', '127.0.0.1:9091', True),
        ('http://localhost:9091', 'localhost:9091', True),
        ('http://[::1]:9091', '[::1]:9091', True),
        ('https://10.0.0.1', '10.0.0.1:443', True),
        ('http://localhost:8000', 'localhost:9091', False),
        ('http://evil.example:9091', 'evil.example:9091', False),
        ('http://evil.example', '127.0.0.1:9091', False),
        ('https://lab.example', '127.0.0.1:9091', True),
        ('http://[', '127.0.0.1', False),
        ('http://a:99999', 'a:99999', False),
        ('', '127.0.0.1', False),
    ],
)
def test_origins(origin: str, host: str, expected: bool) -> None:
    allowed = ['https://lab.example']
    assert is_allowed_origin(origin, host, allowed, {'localhost', 'hos.local'}) is expected


def test_all_origins_may_be_allowed() -> None:
    assert is_allowed_origin('http://evil.example', 'x', ['*'], ())
