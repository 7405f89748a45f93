"""The connection of a client: lost, refused, stopped."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from gateway_clients import UID, delta, logging_of, move, new_client, pool, received, wait_for
from manager_double import WAIT_S, ManagerDouble, running_gateway

from hos_device_layer.core.rosbridge import Role
from hos_device_layer.links.gateway import Gateway, GatewaySettings, TokenFile


def test_a_result_during_the_synchronization_is_delivered(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    """A command can arrive before the client knows that its devices are connected."""
    has_responded = threading.Event()

    def connect_late(uid: int) -> bool:
        # The answer to `connect` waits until the client has responded to the command.
        if uid == UID:
            gateway.send(move())
        else:
            has_responded.wait(WAIT_S)
        return True

    manager.known = connect_late
    with new_client(gateway, pool(delta(), delta(7, 'D7'))) as client:
        delivered = client.response(received(client), timeout=None, block=False)
        assert not client.is_connected
        has_responded.set()
        assert delivered.result(WAIT_S)
        assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{}')


def test_results_are_delivered_after_a_reconnect(caplog: pytest.LogCaptureFixture) -> None:
    downs, ups = threading.Event(), threading.Semaphore(0)
    with running_gateway() as (gateway, _):
        client = new_client(gateway, on_connect=ups.release, on_disconnect=downs.set)
        with client:
            assert ups.acquire(timeout=WAIT_S)
            for cmd_id in range(3):
                gateway.send(move(cmd_id))
            tasks = [received(client) for _ in range(3)]
            gateway.stop()
            assert downs.wait(WAIT_S) and not client.is_connected
            late = [client.response(task, {'n': task.cmd_id}, block=False) for task in tasks]
            settings = GatewaySettings(port=gateway.port)
            with running_gateway(settings) as (_, successor):
                assert ups.acquire(timeout=WAIT_S)
                assert all(future.result(WAIT_S) for future in late)
                results = [wait_for(successor, 'result') for _ in range(3)]
                assert [(result[2], result[5]) for result in results] == [
                    (n, f'{{"n":{n}}}') for n in range(3)
                ]


def test_tokens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokens = TokenFile(tmp_path / 'tokens.json')
    token = tokens.add('bay', Role.DEVICE, (UID,), '')
    settings = GatewaySettings(address='0.0.0.0', port=0, token_file=tokens.path)
    with running_gateway(settings) as (gateway, manager):
        with new_client(gateway, token=token) as client:
            assert client.wait_until_connected()
            assert manager.next_event() == ('connect', UID)
        refusal = 'refused the connection with status 401'
        with logging_of(refusal) as refused, new_client(gateway, token='hos_wrong'):
            assert refused.wait(WAIT_S)
    assert 'hos_wrong' not in caplog.text and token not in caplog.text


def test_a_client_can_be_stopped_at_any_time(gateway: Gateway, manager: ManagerDouble) -> None:
    """A stop during the synchronization ends the client, too."""
    for _ in range(30):
        client = new_client(gateway)
        client.start()
        wait_for(manager, 'connect')
        client.stop()
        assert not any(thread.name == 'hos_client' for thread in threading.enumerate())
