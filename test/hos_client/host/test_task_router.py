"""Tasks, from the client to the supervisors of their devices."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
from fake_fleet import UID, fleet
from running_host import running_host

from hos_client import Device, Task
from hos_client.host import Action, ActionError
from hos_client.host.drivers.l1 import L1Driver
from hos_client.host.task_router import TaskRouter
from hos_device_layer.testing.serial_device import L1Board

STOP = next(f for f in fleet().functions if f.name == 'shaker_stop')
# Long enough for a busy machine to start an action.
TIMEOUT_S = 1.0


def test_an_overdue_task_fails_before_the_timeout_of_the_manager() -> None:
    begun, release = threading.Event(), threading.Event()

    class Blocking(L1Driver):
        def action(self, data: Action) -> object:
            begun.set()
            release.wait()
            return {}

    hasty = tuple(
        msgspec.structs.replace(f, timeout_s=TIMEOUT_S) if f.name == STOP.name else f
        for f in fleet().functions
    )
    with running_host(Blocking, of_fleet=msgspec.structs.replace(fleet(), functions=hasty)) as rig:
        rig.plug(L1Board())
        rig.send(STOP, cmd_id=1)
        assert begun.wait(10)
        rig.send(STOP, cmd_id=2)
        errors = {event[2]: event[4] for event in (rig.event('result') for _ in range(2))}
        assert 'the driver did not finish within 0.85 s' in errors[1]
        assert "not started within 0.85 s: the driver is busy with 'shaker_stop'" in errors[2]
        release.set()


class ClientDouble:
    """Passes on tasks of a test."""

    def receive_with(self, receiver: Callable[[Task], bool]) -> None:
        self.receiver = receiver


class PlatformDouble:
    """Records the results of tasks."""

    def __init__(self) -> None:
        self.answers: list[tuple[Task, Any, BaseException | None]] = []

    def answer(self, task: Task, result: Any, error: BaseException | None) -> None:
        self.answers.append((task, result, error))


def test_a_task_for_a_device_without_a_supervisor_fails_at_once() -> None:
    client, platform = ClientDouble(), PlatformDouble()
    TaskRouter(client, platform)  # type: ignore[arg-type]
    task = Task(200, uid=UID, cmd_id=1, device=Device('K6101', 'Shaker', 'shaker', UID))
    assert client.receiver(task)
    ((answered, result, error),) = platform.answers
    assert answered is task and result is None
    assert isinstance(error, ActionError) and str(error).startswith('K6101 is not plugged in')
