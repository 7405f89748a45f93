from hos_device_layer.core.rosbridge.authentication_backoff import AuthenticationBackoff


def test_the_wait_doubles_with_each_wrong_token() -> None:
    backoff = AuthenticationBackoff()
    waits = []
    now = 0.0
    for _ in range(9):
        backoff.failed('10.0.0.1', now)
        waits.append(backoff.wait('10.0.0.1', now))
        now += waits[-1]
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert backoff.wait('10.0.0.2', now) == 0.0
    assert backoff.wait('10.0.0.1', now + 601) == 0.0


def test_a_network_of_addresses_counts_as_one() -> None:
    backoff = AuthenticationBackoff()
    for n in range(3):
        backoff.failed(f'2001:db8::{n}', 0.0)
    assert backoff.wait('2001:db8::ffff', 0.0) > 0
    assert backoff.wait('2001:db8:1::1', 0.0) == 0.0


def test_an_ipv4_address_and_its_ipv6_form_are_one() -> None:
    backoff = AuthenticationBackoff()
    backoff.failed('::ffff:10.0.0.1', 0.0)
    backoff.failed('10.0.0.1', 0.0)
    assert backoff.wait('::ffff:10.0.0.1', 0.0) > 0


def test_the_number_of_remembered_addresses_is_limited() -> None:
    backoff = AuthenticationBackoff()
    for n in range(10_002):
        for _ in range(2):
            backoff.failed(f'a{n}', 0.0)
    assert backoff.wait('a0', 0.0) == 0.0
    assert backoff.wait('a10001', 0.0) > 0
