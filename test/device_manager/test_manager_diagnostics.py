"""What /diagnostics shows of the manager and of each device."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus
from managers import RunningManager
from sample_fleet import TWIN_ID, UIDLESS_ID


def test_the_manager_shows_its_fleet_and_the_problems_of_the_specification(
    manager: RunningManager,
) -> None:
    status = manager.caller.diagnostic()
    assert status.level == DiagnosticStatus.WARN
    assert '3 problems in the specification: ' in status.message
    device = manager.bench()
    manager.caller.wait_for_diagnostics()
    connected = len(manager.caller.connected_devices())
    values = manager.caller.status('')
    assert values['fleet'] == 'test'
    assert int(values['connected']) == connected
    assert device.uid in manager.caller.connected_devices()


def test_a_device_shows_each_state_of_its_connection(hasty_manager: RunningManager) -> None:
    caller, row = hasty_manager.caller, next(hasty_manager.pool.benches)
    assert caller.state_of(row.device_id) == 'expected'
    hasty_manager.side.connect(row.uid)
    with hasty_manager.side.pinging(row.uid):
        caller.wait_for(lambda: caller.state_of(row.device_id) == 'connected')
    caller.wait_for(lambda: caller.state_of(row.device_id) == 'disconnected')
    # Compared as a set: a ping that came late has brought the device back in between.
    assert set(caller.states(row.device_id)[1:]) == {
        (DiagnosticStatus.OK, 'connected'),
        (DiagnosticStatus.WARN, 'timed out'),
        (DiagnosticStatus.ERROR, 'disconnected'),
    }
    assert caller.states(row.device_id)[0][0] == DiagnosticStatus.STALE
    status = caller.diagnostic(row.device_id)
    assert status.hardware_id == f'uid{row.uid}'
    values = caller.status(row.device_id)
    assert values['device_type'] == 'Bench'
    assert values['device_uid'] == str(row.uid)
    last = caller.event_infos(row.uid)[-1]
    assert abs(float(values['since_s']) - last.event_time_s) < 0.001


def test_a_device_shows_its_running_tasks(manager: RunningManager) -> None:
    device = manager.bench()
    task_ids = [manager.caller.call(device.device_id, 'rest') for _ in range(3)]
    manager.caller.wait_for(lambda: manager.caller.status(device.device_id)['tasks'] == '3')
    for task_id in task_ids:
        device.report(task_id)
    manager.caller.wait_for(lambda: manager.caller.status(device.device_id)['tasks'] == '0')


def test_a_waiting_device_shows_the_table_to_add_it_to(manager: RunningManager) -> None:
    uid = next(manager.pool.unknown_uids)
    manager.side.connect(uid)
    name = f'uid{uid}'
    manager.caller.wait_for(lambda: any(name in key for key in manager.caller.diagnostics))
    status = manager.caller.diagnostic(name)
    assert status.level == DiagnosticStatus.WARN
    assert status.message == (
        f"waiting: uid {uid} is not in the fleet 'test'; add it to the table 'fleet-test'"
    )


def test_a_silent_waiting_device_is_forgotten(hasty_manager: RunningManager) -> None:
    uid = next(hasty_manager.pool.unknown_uids)
    name = f'uid{uid}'
    caller = hasty_manager.caller
    with hasty_manager.side.pinging(uid):
        caller.wait_for(lambda: any(name in key for key in caller.diagnostics))
    caller.wait_for(lambda: not any(name in key for key in caller.diagnostics))


def test_a_device_without_a_uid_shows_where_to_enter_it(manager: RunningManager) -> None:
    status = manager.caller.diagnostic(UIDLESS_ID)
    assert status.level == DiagnosticStatus.STALE
    assert status.message == 'has no uid: enter it in the table fleet-test'
    assert not any(TWIN_ID in name for name in manager.caller.diagnostics)
