"""What outsiders can do to the log, and what a mistake of the manager's own does to its work."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from manager_process import patched
from managers import ManagerStarter, RunningManager
from ros_peers import StreamPublisher, finish_at_once


def test_a_flood_of_strange_results_is_counted_not_written(manager: RunningManager) -> None:
    for number in range(2000):
        manager.side.report(1, 3_000_000_000 + number)
    said = r'task 3\d{9}, which is unknown'
    withheld = r'… and (\d+) more warnings like these'

    def counted() -> int:
        output = manager.program.output
        return len(re.findall(said, output)) + sum(map(int, re.findall(withheld, output)))

    manager.program.wait_until(lambda: counted() >= 2000)
    assert len(re.findall(said, manager.program.output)) < 200


def test_mistakes_in_callbacks_are_logged_and_stop_nothing(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    manager = starter.start(environment=patched(tmp_path, _MISTAKES))
    manager.program.wait_for_output('ZeroDivisionError: in diagnostics')
    device = manager.bench(finish_at_once)
    StreamPublisher(device, 'load').publish('V1')
    manager.program.wait_for_output('ZeroDivisionError: in a sample')
    manager.side.connect_async(666)
    manager.program.wait_for_output('ZeroDivisionError: in connect')
    silent = manager.bench()
    manager.caller.call(silent.device_id, 'rest')
    manager.program.wait_for_output('ZeroDivisionError: in an answer')
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success
    manager.program.process.terminate()
    assert manager.program.wait() == 0


_MISTAKES = textwrap.dedent("""
    from hos_device_layer.core.dispatch.dispatcher import Dispatcher
    from hos_device_layer.diagnostics import Diagnostics

    connect, publish = Dispatcher.connect, Diagnostics.publish
    published = []

    def mistaken_connect(self, uid, now):
        if uid == 666:
            raise ZeroDivisionError('in connect')
        return connect(self, uid, now)

    def mistaken_sample(self, uid, stream_name, data):
        raise ZeroDivisionError('in a sample')

    def mistaken_answer(self, cmd_id, is_valid, error, now):
        raise ZeroDivisionError('in an answer')

    def mistaken_publish(self):
        published.append(self)
        if len(published) < 3:
            raise ZeroDivisionError('in diagnostics')
        publish(self)

    Dispatcher.connect = mistaken_connect
    Dispatcher.stream_sample = mistaken_sample
    Dispatcher.command_answered = mistaken_answer
    Diagnostics.publish = mistaken_publish
""")
