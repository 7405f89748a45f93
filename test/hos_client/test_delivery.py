"""Results and samples between a client and the device manager: none is lost without a word."""

from __future__ import annotations

import functools
import queue
import threading

import pytest
from gateway_clients import UID, delta, logging_of, move, new_client, pool, received, wait_for
from manager_double import WAIT_S, ManagerDouble, running_gateway
from peers import connect
from websocket_clients import hear, open_socket, say

from hos_client import Client, Message
from hos_device_layer.core.dispatch.events import Event, ResultReported, StreamSampled
from hos_device_layer.links.gateway import Gateway, GatewaySettings

OTHER = 7


def test_results_are_delivered_after_the_devices_are_connected(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    """A half-open connection that still holds the device does not make the results lost."""
    downs, ups = threading.Event(), threading.Semaphore(0)
    client = new_client(gateway, on_connect=ups.release, on_disconnect=downs.set)
    with client:
        assert ups.acquire(timeout=WAIT_S)
        gateway.send(move(1))
        task = received(client)
        with open_socket(gateway) as older:
            say(older, connect(UID))
            assert hear(older)['result'] is True
            assert downs.wait(WAIT_S)
            delivered = client.response(task, {'n': 1}, timeout=None, block=False)
            assert ups.acquire(timeout=WAIT_S)
            assert delivered.result(WAIT_S)
            assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{"n":1}')


@pytest.mark.parametrize('kind', [ResultReported, StreamSampled])
def test_the_reason_of_the_device_manager_is_returned(
    gateway: Gateway, manager: ManagerDouble, kind: type[Event]
) -> None:
    manager.why_dropped = lambda event: 'no such task' if isinstance(event, kind) else ''
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        gateway.send(move(1))
        response = client.response(received(client), {})
        event = client.event('H4001', 'temperature', 'V1')
        refused = Message(409, 'no such task')
        assert response == (refused if kind is ResultReported else Message(200))
        assert event == (refused if kind is StreamSampled else Message(200))


def test_a_result_that_is_too_large_fails_its_task_only(manager: ManagerDouble) -> None:
    with running_gateway(max_frame_bytes=20_000) as (gateway, manager):
        downs = threading.Event()
        client = new_client(gateway, pool(delta(), delta(OTHER, 'D7')), on_disconnect=downs.set)
        with client:
            assert client.wait_until_connected()
            gateway.send(move(1))
            refused = client.response(received(client), {'image': 'x' * 30_000})
            assert refused.status == 413 and 'the gateway accepts at most 20000' in refused.payload
            _, uid, cmd_id, success, error, _ = wait_for(manager, 'result')
            assert (uid, cmd_id, success) == (UID, 1, False)
            assert error.startswith("the result of 'delta_arm_move' of H4001 is too large: ")
            gateway.send(move(2, OTHER))
            assert client.response(received(client), {})
            assert client.event('D7', 'picture', 'x' * 30_000).status == 413
            assert client.event('D7', 'picture', 'x' * 30_000, confirm=True).status == 413
            assert client.event('D7', 'picture', 'x' * 3)
            assert not downs.is_set()


def test_descriptions_are_split_by_their_size() -> None:
    devices = pool(*(delta(n, f'D{n}') for n in range(50)))
    for device in devices.devices():
        device.add_tag('text', '…' * 200)
    with (
        running_gateway(max_frame_bytes=10_000) as (gateway, _),
        new_client(gateway, devices) as client,
    ):
        assert client.wait_until_connected()


def test_confirmed_samples_survive_the_loss_of_the_connection() -> None:
    """They arrive on the next session, in order with the results; the others are dropped."""
    downs = threading.Event()
    with running_gateway() as (gateway, _):
        client = new_client(gateway, on_disconnect=downs.set)
        with client:
            assert client.wait_until_connected()
            gateway.send(move(1))
            task = received(client)
            gateway.stop()
            assert downs.wait(WAIT_S)
            event = functools.partial(client.event, 'H4001', 's', confirm=True, block=False)
            kept = [event(f'V{n}', timeout=0.001) for n in range(100)]
            assert all(future.result(WAIT_S).status == 408 for future in kept)
            assert client.event('H4001', 's', 'dropped', timeout=0.001).status == 408
            late = client.response(task, {}, timeout=None, block=False)
            last = event('last', timeout=None)
            with running_gateway(GatewaySettings(port=gateway.port)) as (_, successor):
                assert late.result(WAIT_S) and last.result(WAIT_S)
                arrived = [e for _ in range(104) if (e := successor.next_event())[0] != 'ping']
                assert arrived[0] == ('connect', UID)
                samples = [('sample', UID, 's', f'V{n}') for n in range(100)]
                result = ('result', UID, 1, True, '', '{}')
                assert arrived[1:] == [*samples, result, ('sample', UID, 's', 'last')]


def test_what_was_sent_before_a_stop_is_delivered(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    """Tasks without a response fail instead of hanging until their timeout."""
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        for cmd_id in (1, 2):
            gateway.send(move(cmd_id))
        answered, _ = received(client), received(client)
        client.response(answered, {'n': 1}, block=False)
    assert wait_for(manager, 'result') == ('result', UID, 1, True, '', '{"n":1}')
    _, _, cmd_id, success, error, _ = wait_for(manager, 'result')
    assert (cmd_id, success) == (2, False)
    assert error == 'the program of the device was stopped before it finished'


@pytest.mark.parametrize('change', ['disconnect', 'delete'])
def test_a_ping_does_not_undo_a_change(
    gateway: Gateway, manager: ManagerDouble, change: str
) -> None:
    devices = [delta(n, f'D{n}') for n in range(20)]
    with new_client(gateway, pool(*devices), ping_interval_s=0.2) as client:
        assert client.wait_until_connected()
        while wait_for(manager, 'ping') != ('ping', 0):
            pass
        # The others are pinged in this round, too.
        getattr(client, change)('D19')
        assert wait_for(manager, 'closed') == ('closed', 19)
        later = [wait_for(manager, 'ping')[1] for _ in range(60)]
        assert 19 not in later and set(later) == set(range(19))


def test_two_requests_for_a_device_are_both_answered(
    gateway: Gateway, manager: ManagerDouble
) -> None:
    with new_client(gateway) as client:
        assert client.wait_until_connected()
        futures = [client.add(delta(), timeout=None, block=False) for _ in range(2)]
        assert [future.result(WAIT_S).status for future in futures] == [200, 200]


def test_a_request_after_the_stop_ends(gateway: Gateway) -> None:
    client: Client = new_client(gateway)
    outcomes: queue.Queue[Message] = queue.Queue()
    with client:
        assert client.wait_until_connected()
        for _ in range(1000):
            client.event('H4001', 's', 'V1', timeout=None, callback=outcomes.put, block=False)
    for _ in range(1000):
        assert outcomes.get(timeout=WAIT_S).status in (200, 503)


def test_a_repeated_refusal_is_logged_once(
    gateway: Gateway, manager: ManagerDouble, caplog: pytest.LogCaptureFixture
) -> None:
    manager.why_dropped = lambda event: (
        'no such stream' if isinstance(event, StreamSampled) else ''
    )
    with logging_of('no such stream'), new_client(gateway) as client:
        assert client.wait_until_connected()
        for _ in range(3):
            assert client.event('H4001', 's', 'V1').status == 409
    warnings = [r for r in caplog.records if r.levelname == 'WARNING' and 'stream' in r.message]
    assert len(warnings) == 1
