"""The limits of the log, and the effect of exceptions inside the manager."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from manager_process import patched
from managers import ManagerStarter, RunningManager
from ros_peers import StreamPublisher, finish_at_once, mute_device


def test_a_flood_of_unknown_results_is_logged_up_to_a_limit(manager: RunningManager) -> None:
    for number in range(2000):
        manager.side.report(1, 3_000_000_000 + number)
    said = r'task 3\d{9}, which is unknown'
    withheld = r'(\d+) more warnings were not logged'

    def counted() -> int:
        output = manager.program.output
        return len(re.findall(said, output)) + sum(map(int, re.findall(withheld, output)))

    manager.program.wait_until(lambda: counted() >= 2000)
    assert len(re.findall(said, manager.program.output)) < 200


def test_exceptions_in_callbacks_are_logged_and_do_not_stop_the_manager(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    manager = starter.start(environment=patched(tmp_path, _FAILING_CALLBACKS))
    manager.program.wait_for_output('ZeroDivisionError: in diagnostics')
    device = manager.bench(finish_at_once)
    StreamPublisher(device, 'load').publish('V1')
    manager.program.wait_for_output('ZeroDivisionError: in a sample')
    answer = manager.side.connect(666)
    assert (answer.success, 'internal error' in answer.error) == (False, True)
    manager.program.wait_for_output('ZeroDivisionError: in connect')
    silent = manager.bench()
    manager.caller.call(silent.device_id, 'rest')
    manager.program.wait_for_output('ZeroDivisionError: in an answer')
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success
    manager.program.process.terminate()
    assert manager.program.wait() == 0


_FAILING_CALLBACKS = textwrap.dedent("""
    from hos_device_layer.core.dispatch.dispatcher import Dispatcher
    from hos_device_layer.core.dispatch.events import (
        CommandAnswered,
        ConnectRequested,
        StreamSampled,
    )
    from hos_device_layer.diagnostics import Diagnostics

    handle, publish = Dispatcher.handle, Diagnostics.publish
    published = []

    def failing_handle(self, event, now, link=''):
        if isinstance(event, ConnectRequested) and event.uid == 666:
            raise ZeroDivisionError('in connect')
        if isinstance(event, StreamSampled):
            raise ZeroDivisionError('in a sample')
        if isinstance(event, CommandAnswered):
            raise ZeroDivisionError('in an answer')
        return handle(self, event, now, link)

    def failing_publish(self):
        published.append(self)
        if len(published) < 3:
            raise ZeroDivisionError('in diagnostics')
        publish(self)

    Dispatcher.handle = failing_handle
    Diagnostics.publish = failing_publish
""")


def test_an_effect_that_fails_fails_its_task_and_no_other_effect(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    manager = starter.start(environment=patched(tmp_path, _BROKEN_LINK))
    device = manager.bench(finish_at_once)
    manager.program.wait_for_output('ZeroDivisionError: in open')
    result = manager.caller.result(manager.caller.call(device.device_id, 'rest'))
    assert not result.success and 'could not be sent' in result.error
    manager.program.wait_for_output('ZeroDivisionError: in send')
    assert manager.caller.connected_devices()


_BROKEN_LINK = textwrap.dedent("""
    from hos_device_layer.links.ros.link import RosLink

    def broken_open(self, device, serialized, streams):
        raise ZeroDivisionError('in open')

    def broken_send(self, command):
        raise ZeroDivisionError('in send')

    RosLink.open, RosLink.send = broken_open, broken_send
""")


def test_results_are_published_although_closing_and_withdrawing_fail(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    manager = starter.start(
        environment=patched(tmp_path, _LINK_THAT_CANNOT_CLOSE),
        device_timeout_s=0.4,
        device_connection_check_interval_s=0.2,
        disconnect_on_timeout_count=1,
    )
    # Its command is never answered, so it is withdrawn.
    row = next(manager.pool.benches)
    mute = mute_device(manager.side, row)
    with manager.side.pinging(row.uid):
        task_id = manager.caller.call_when_connected(row.device_id, 'rest')
    assert 'was disconnected' in manager.caller.result(task_id).error
    for failure in ('close', 'withdraw'):
        manager.program.wait_for_output(f'ZeroDivisionError: in {failure}')
    manager.program.process.terminate()
    assert manager.program.wait() == 0
    assert 'ZeroDivisionError: in stop' in manager.program.output
    mute.destroy_node()


_LINK_THAT_CANNOT_CLOSE = textwrap.dedent("""
    from hos_device_layer.links.gateway.link import GatewayLink
    from hos_device_layer.links.ros.link import RosLink

    def failing(name):
        def fail(self, *arguments):
            raise ZeroDivisionError(f'in {name}')
        return fail

    RosLink.close = failing('close')
    RosLink.withdraw = failing('withdraw')
    GatewayLink.stop = failing('stop')
""")
