"""Which web pages and host names are those of the gateway."""

import pytest

from hos_device_layer.core.rosbridge.origins import (
    PageOrigin,
    host_names,
    is_own_host,
    page_origin,
)

NAMES = {'localhost', 'hos.local'}


@pytest.mark.parametrize(
    ('origin', 'host', 'expected'),
    [
        (None, 'hos.local:9091', PageOrigin.NONE),
        ('file://', 'hos.local:9091', PageOrigin.FIRMWARE),
        ('file:///', 'hos.local:9091', PageOrigin.FOREIGN),
        ('null', '127.0.0.1:9091', PageOrigin.FOREIGN),
        ('http://127.0.0.1:9091', '127.0.0.1:9091', PageOrigin.OWN),
        ('http://localhost:9091', 'localhost:9091', PageOrigin.OWN),
        ('http://[::1]:9091', '[::1]:9091', PageOrigin.OWN),
        ('https://10.0.0.1', '10.0.0.1:443', PageOrigin.OWN),
        ('http://localhost:8000', 'localhost:9091', PageOrigin.FOREIGN),
        ('http://evil.example:9091', 'evil.example:9091', PageOrigin.FOREIGN),
        ('http://evil.example', '127.0.0.1:9091', PageOrigin.FOREIGN),
        ('https://lab.example', '127.0.0.1:9091', PageOrigin.LISTED),
        ('https://lab.example', 'lab.example', PageOrigin.LISTED),
        ('http://[', '127.0.0.1', PageOrigin.FOREIGN),
        ('http://a:99999', 'a:99999', PageOrigin.FOREIGN),
        ('http://127.0.0.1:9091', 'evil.example@127.0.0.1:9091', PageOrigin.FOREIGN),
        ('http://evil.example@127.0.0.1:9091', '127.0.0.1:9091', PageOrigin.FOREIGN),
        ('', '127.0.0.1', PageOrigin.FOREIGN),
        ('', '', PageOrigin.FOREIGN),
    ],
)
def test_pages_are_own_ones_listed_ones_or_foreign(
    origin: str | None, host: str, expected: PageOrigin
) -> None:
    assert page_origin(origin, host, ['https://lab.example'], NAMES) is expected


def test_all_origins_may_be_listed() -> None:
    assert page_origin('http://evil.example', 'x', ['*'], ()) is PageOrigin.LISTED


@pytest.mark.parametrize(
    ('host', 'expected'),
    [
        ('localhost', True),
        ('LOCALHOST:9091', True),
        ('hos.local:9091', True),
        ('127.0.0.1:9091', True),
        ('[::1]:9091', True),
        ('10.0.0.7', True),
        ('evil.example', False),
        ('localhost.evil.example', False),
        ('localhost@evil.example', False),
        ('evil.example@127.0.0.1', False),
        ('evil.example:80@localhost:9091', False),
        ('127.0.0.1/evil.example', False),
        ('127.0.0.1?evil.example', False),
        ('127.0.0.1#evil.example', False),
        ('127.0.0.1\\evil.example', False),
        ('[::1]evil.example', False),
        ('127.0.0.1:evil.example', False),
        (' 127.0.0.1', False),
        ('127.0.0.1\t', False),
        ('', False),
        ('[', False),
        ('127.1', False),
    ],
)
def test_own_hosts_are_addresses_and_names(host: str, expected: bool) -> None:
    assert is_own_host(host, NAMES) is expected


def test_the_hosts_of_origins() -> None:
    origins = ['https://Lab.example:8080', '*', 'null', 'http://[', 'http://10.0.0.7']
    assert host_names(origins) == {'lab.example', '10.0.0.7'}
