"""The addresses of peers behind proxies."""

from ipaddress import ip_network

import pytest

from hos_device_layer.core.rosbridge.peer_addresses import (
    counted_address,
    forwarded_addresses,
    is_in,
    listed_addresses,
    peer_address,
)

PROXIES = (ip_network('10.0.0.0/24'), ip_network('::1'))


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        (['for=192.0.2.43'], ['192.0.2.43']),
        (['For="[2001:db8::17]:4711"'], ['[2001:db8::17]:4711']),
        (['for=192.0.2.60;proto=http;by=203.0.113.43'], ['192.0.2.60']),
        (['proto=http; for = 192.0.2.60'], ['192.0.2.60']),
        (['for=192.0.2.43, for=198.51.100.17', 'for=10.0.0.1'],
         ['192.0.2.43', '198.51.100.17', '10.0.0.1']),
        (['by="for=1.2.3.4"'], []),
        (['x-for=1.2.3.4'], []),
        (['for='], ['']),
        ([''], []),
    ],
)  # fmt: skip
def test_addresses_in_forwarded_headers(values: list[str], expected: list[str]) -> None:
    assert forwarded_addresses(values) == expected


def test_addresses_in_x_forwarded_for_headers() -> None:
    assert listed_addresses(['1.2.3.4, 5.6.7.8', '::1']) == ['1.2.3.4', '5.6.7.8', '::1']


@pytest.mark.parametrize(
    ('address', 'forwarded', 'expected'),
    [
        ('10.0.0.1', ['192.0.2.43'], '192.0.2.43'),
        ('::1', ['[2001:db8::17]:4711'], '2001:db8::17'),
        ('10.0.0.1', ['192.0.2.43:47011'], '192.0.2.43'),
        ('10.0.0.1', ['::ffff:192.0.2.43'], '192.0.2.43'),
        # The peer has invented the first one.
        ('10.0.0.1', ['6.6.6.6', '192.0.2.43'], '192.0.2.43'),
        ('10.0.0.1', ['192.0.2.43', '10.0.0.2'], '192.0.2.43'),
        ('10.0.0.1', ['unknown'], '10.0.0.1'),
        ('10.0.0.1', ['6.6.6.6', '_hidden'], '10.0.0.1'),
        ('10.0.0.1', ['6.6.6.6', ''], '10.0.0.1'),
        ('10.0.0.1', [], '10.0.0.1'),
        # No proxy of ours: what it says is not believed.
        ('192.0.2.1', ['127.0.0.1'], '192.0.2.1'),
    ],
)
def test_only_trusted_proxies_tell_the_address(
    address: str, forwarded: list[str], expected: str
) -> None:
    assert peer_address(address, forwarded, PROXIES) == expected


def test_networks_contain_addresses_of_their_version() -> None:
    assert is_in('10.0.0.7', PROXIES) and is_in('::1', PROXIES)
    assert not is_in('10.0.1.7', PROXIES) and not is_in('x', PROXIES) and not is_in('', PROXIES)


def test_a_network_of_ipv6_counts_as_one_peer() -> None:
    assert counted_address('2001:db8::1') == counted_address('2001:db8::ffff%3')
    assert counted_address('2001:db8::1') != counted_address('2001:db8:1::1')
    assert counted_address('::ffff:10.0.0.1') == counted_address('10.0.0.1')
    assert counted_address('10.0.0.1') != counted_address('10.0.0.2')
