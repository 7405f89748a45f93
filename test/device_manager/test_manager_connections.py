"""
What the manager promises of connections, over DDS between processes.

The promises are in docs/architecture.md, section "Guarantees".
"""

from __future__ import annotations

from managers import ManagerStarter, RunningManager
from ros_peers import Caller, Device, StreamPublisher, finish_at_once
from sample_fleet import MEASURE_ARGUMENTS, STREAMS, TWIN_UID

from hos_device_layer import services, topics


def test_connect_of_a_known_device_is_published_and_answered(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    answer = manager.side.connect(row.uid)
    assert (answer.success, answer.error) == (True, '')
    manager.caller.wait_for_events(row.uid, 'connected')
    (info,) = manager.caller.event_infos(row.uid)
    assert (info.device_id, info.device_uid, info.device_type) == row
    assert manager.caller.connected_devices()[row.uid] == info


def test_connect_of_an_unknown_uid_names_it_and_the_table(manager: RunningManager) -> None:
    uid = next(manager.pool.unknown_uids)
    answer = manager.side.connect(uid)
    assert not answer.success
    assert str(uid) in answer.error
    assert "add it to the table 'fleet-test'" in answer.error
    assert uid not in manager.caller.connected_devices()
    manager.caller.wait_for(lambda: f'{uid}' in str(manager.caller.diagnostics.keys()))
    manager.program.wait_for_output(f'a request to connect: uid {uid} ')


def test_a_uid_that_two_devices_claim_connects_neither(manager: RunningManager) -> None:
    answer = manager.side.connect(TWIN_UID)
    assert not answer.success
    assert f'{TWIN_UID} belongs to 2 devices' in answer.error
    assert "'TWIN1' (fleet-test), 'TWIN2' (fleet-test)" in answer.error


def test_a_ping_connects_a_device_that_never_called_connect(manager: RunningManager) -> None:
    row = next(manager.pool.benches)
    manager.side.ping(row.uid)
    manager.caller.wait_for_events(row.uid, 'connected')
    assert row.uid in manager.caller.connected_devices()


def test_the_ping_of_an_unknown_uid_waits_and_is_logged(manager: RunningManager) -> None:
    uid = next(manager.pool.unknown_uids)
    manager.side.ping(uid)
    manager.program.wait_for_output(f'a ping: uid {uid} is not in the fleet')
    manager.caller.wait_for(lambda: f'uid{uid}' in str(manager.caller.diagnostics))
    assert manager.caller.state_of(f'uid{uid}') == 'waiting'
    assert manager.caller.events(uid) == []


def test_connect_of_a_connected_device_publishes_one_reconnection(manager: RunningManager) -> None:
    device = manager.bench()
    device.connect()
    manager.caller.wait_for_events(device.uid, 'connected', 'reconnected')


def test_each_change_of_a_silent_device_is_published_once(hasty_manager: RunningManager) -> None:
    caller, device = hasty_manager.caller, hasty_manager.bench()
    lived = ['connected', 'timeout', 'disconnected']
    caller.wait_for_events(device.uid, *lived)
    assert device.uid not in caller.connected_devices()
    for come_back in (device.ping, device.connect):
        come_back()
        lived += ['reconnected', 'timeout', 'disconnected']
        caller.wait_for_events(device.uid, *lived)
    _let_another_device_live(hasty_manager)
    assert caller.events(device.uid) == lived


def _let_another_device_live(manager: RunningManager) -> None:
    # Each topic keeps its order: what would have been published twice has arrived before this.
    other = manager.bench()
    manager.caller.wait_for_events(other.uid, 'connected', 'timeout', 'disconnected')


def test_a_ping_or_connect_reconnects_a_timed_out_device(
    strict_manager: RunningManager,
) -> None:
    caller, device = strict_manager.caller, strict_manager.bench()
    lived = ['connected', 'timeout']
    for come_back in (device.ping, device.connect):
        caller.wait_for_events(device.uid, *lived)
        come_back()
        lived += ['reconnected', 'timeout']
    caller.wait_for_events(device.uid, *lived)


def test_pings_that_resume_clear_a_timeout(strict_manager: RunningManager) -> None:
    caller, device = strict_manager.caller, strict_manager.bench(finish_at_once)
    caller.wait_for_events(device.uid, 'connected', 'timeout')
    device.keep_pinging(0.05)
    caller.wait_for(lambda: 'reconnected' in caller.events(device.uid))
    assert caller.result(caller.call_when_connected(device.device_id, 'rest')).success
    device.fall_silent()


def test_a_device_that_pings_does_not_time_out(starter: ManagerStarter) -> None:
    # Longer than a busy machine holds a ping up.
    manager = starter.start(
        device_timeout_s=3.0,
        device_connection_check_interval_s=0.1,
        disconnect_on_timeout_count=1,
    )
    device = manager.bench()
    device.keep_pinging(0.05)
    # This one connects later, and does not ping.
    _let_another_device_live(manager)
    device.fall_silent()
    assert manager.caller.events(device.uid) == ['connected']


def test_a_timed_out_device_refuses_calls_with_the_reason(strict_manager: RunningManager) -> None:
    caller, device = strict_manager.caller, strict_manager.bench()
    caller.wait_for_events(device.uid, 'connected', 'timeout')
    refusal = caller.refusal(device.device_id, 'rest')
    assert f"'{device.device_id}' is not connected: it timed out" in refusal
    assert 'it reconnects with its next ping' in refusal


def test_running_tasks_continue_after_a_timeout(strict_manager: RunningManager) -> None:
    caller, device = strict_manager.caller, strict_manager.bench()
    device.keep_pinging(0.05)
    task_id = caller.call_when_connected(device.device_id, 'measure', MEASURE_ARGUMENTS)
    command = device.command()
    device.fall_silent()
    caller.wait_for(lambda: 'timeout' in caller.events(device.uid))
    device.report(command.cmd_id, 'V1.5V1')
    assert caller.result(task_id).success


def test_a_disconnected_device_ends_its_tasks_with_that_error(
    hasty_manager: RunningManager,
) -> None:
    caller, device = hasty_manager.caller, hasty_manager.bench()
    device.keep_pinging(0.05)
    task_ids = [caller.call_when_connected(device.device_id, 'rest') for _ in range(3)]
    device.fall_silent()
    for result in caller.results(task_ids):
        assert not result.success
        assert f"'{device.device_id}' was disconnected" in result.error
        assert result.result_jsons == '{}'
    assert 'it was disconnected' in caller.refusal(device.device_id, 'rest')


def test_repeated_connects_create_one_client_and_one_subscription_a_stream(
    manager: RunningManager,
) -> None:
    device = manager.arm()
    for _ in range(9):
        device.connect()
    manager.caller.wait_for_events(device.uid, 'connected', *['reconnected'] * 9)
    manager.caller.wait_for(lambda: _entities(manager.caller, device) == (1, [1, 1]))
    task_id = manager.caller.call(device.device_id, 'arm_turn', [('angle', 'int16', 90)])
    device.report(device.command().cmd_id)
    assert manager.caller.result(task_id).success
    assert device.commands.empty()
    assert _entities(manager.caller, device) == (1, [1, 1])


def test_the_entities_of_a_disconnected_device_are_freed_and_created_again(
    hasty_manager: RunningManager,
) -> None:
    caller, device = hasty_manager.caller, hasty_manager.arm()
    device.keep_pinging(0.05)
    caller.wait_for(lambda: _entities(caller, device) == (1, [1, 1]))
    device.fall_silent()
    caller.wait_for(lambda: caller.events(device.uid)[-1:] == ['disconnected'])
    caller.wait_for(lambda: _entities(caller, device) == (0, [0, 0]))
    device.keep_pinging(0.05)
    caller.wait_for(lambda: _entities(caller, device) == (1, [1, 1]))
    task_id = caller.call_when_connected(device.device_id, 'arm_turn', [('angle', 'int16', 90)])
    device.report(device.command().cmd_id)
    assert caller.result(task_id).success
    device.fall_silent()


def _entities(caller: Caller, device: Device) -> tuple[int, list[int]]:
    service = services.SERIALIZED_DEVICE_COMMAND_SERVICE(device.uid)
    resolve = caller.node.resolve_topic_name
    return caller.node.count_clients(caller.node.resolve_service_name(service)), [
        caller.node.count_subscribers(resolve(topics.DEVICE_STREAM_TOPIC(device.uid, stream)))
        for stream in STREAMS
    ]


def test_an_invalid_sample_is_logged_and_dropped(manager: RunningManager) -> None:
    device = manager.bench()
    stream = StreamPublisher(device, 'load')
    stream.publish('V1.5')
    stream.publish('V1Y9')
    line = manager.program.wait_for_output(f"a sample of 'load' from '{device.device_id}'")
    assert 'V1Y9' in line
    assert device.uid in manager.caller.connected_devices()
