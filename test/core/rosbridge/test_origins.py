import pytest

from hos_device_layer.core.rosbridge.origins import is_allowed_origin


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
def test_only_own_and_listed_origins_are_allowed(origin: str, host: str, expected: bool) -> None:
    allowed = ['https://lab.example']
    assert is_allowed_origin(origin, host, allowed, {'localhost', 'hos.local'}) is expected


def test_all_origins_may_be_allowed() -> None:
    assert is_allowed_origin('http://evil.example', 'x', ['*'], ())
