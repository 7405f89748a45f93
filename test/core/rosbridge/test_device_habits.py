"""Devices that answer in any way: no command is lost, and no answer is shifted for long."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from peers import SERIALIZED, UID, Peer, advertise, ping, serialized_command

from hos_device_layer.core.dispatch.events import CommandAnswered, ResultReported
from hos_device_layer.core.rosbridge.advertised_service import MAX_REMEMBERED
from hos_device_layer.core.rosbridge.broker import Broker
from hos_device_layer.core.rosbridge.device_channel import MAX_AWAITED, WINDOW


class Habit(NamedTuple):
    """When a device answers: 'never', 'first' or 'after' its result; and whether with an id."""

    answers: str
    has_ids: bool
    loses_answers: bool


habits = st.builds(
    Habit, st.sampled_from(['never', 'first', 'after']), st.booleans(), st.booleans()
)


class Devices(RuleBasedStateMachine):
    """One device, which handles its commands in the order in which they come, and the manager."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.peer = Peer(self.broker)
        self.habit = Habit('first', True, False)
        self.cmd_ids = iter(range(1, 10**6))
        # At the device: calls it has not handled, commands that run, what it answered.
        self.inbox: deque[dict[str, Any]] = deque()
        self.running: list[int] = []
        self.truth: dict[int, bool] = {}
        # At the manager: its unfinished tasks, and whether the device has accepted them.
        self.tasks: dict[int, bool] = {}
        # Whether a task has ended without the answer that the device may still send.
        self.has_withdrawn = False
        self.late_before = 0

    @initialize(habit=habits)
    def begin(self, habit: Habit) -> None:
        self.habit = habit
        self.peer.says(advertise())
        self.call()
        self.handle_one(refuses=False, is_lost=False)
        self.finish_all()

    # The manager

    @rule()
    def call_once(self) -> None:
        self.call()

    def call(self) -> int:
        cmd_id = next(self.cmd_ids)
        self.tasks[cmd_id] = False
        self.take(self.broker.command(serialized_command(cmd_id)))
        return cmd_id

    # More unanswered commands than a channel accepts are another matter.
    @precondition(lambda self: len(self.tasks) < 900)
    @rule(count=st.integers(2, 60))
    def call_often(self, count: int) -> None:
        for _ in range(count):
            self.call()

    @rule()
    def give_up_unanswered_tasks(self) -> None:
        for cmd_id in [cmd_id for cmd_id, is_accepted in self.tasks.items() if not is_accepted]:
            del self.tasks[cmd_id]
            self.broker.withdraw(UID, cmd_id)
            self.has_withdrawn = True

    def take(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, CommandAnswered):
                self.check(event)
                if event.cmd_id in self.tasks:
                    self.tasks[event.cmd_id] = True
                    if not event.is_valid:
                        del self.tasks[event.cmd_id]
            elif isinstance(event, ResultReported):
                is_accepted = self.tasks.pop(event.cmd_id, True)
                if not is_accepted:  # As the dispatcher does.
                    self.broker.withdraw(UID, event.cmd_id)

    def check(self, event: CommandAnswered) -> None:
        if self.habit.has_ids or not (self.habit.loses_answers or self.has_withdrawn):
            assert self.truth.get(event.cmd_id) is event.is_valid

    # The device

    def says(self, frame: dict[str, Any]) -> None:
        self.late_before = self.late()
        self.take(self.peer.says(frame))

    def late(self) -> int:
        """Return how many commands the device will execute although their tasks have ended."""
        return sum(call['args']['cmd_id'] not in self.tasks for call in self.inbox)

    @precondition(lambda self: self.inbox)
    @rule(refuses=st.booleans(), is_lost=st.booleans())
    def handle_one(self, refuses: bool, is_lost: bool) -> None:
        self.receive()
        call = self.inbox.popleft()
        cmd_id = call['args']['cmd_id']
        refuses = refuses and self.habit.answers != 'never'
        answer = {
            'op': 'service_response',
            'service': SERIALIZED,
            'values': {'is_valid': not refuses},
            **({'id': call['id']} if self.habit.has_ids else {}),
        }
        is_lost = self.habit.answers == 'never' or (is_lost and self.habit.loses_answers)
        self.truth[cmd_id] = not refuses
        if self.habit.answers == 'first':
            if not is_lost:
                self.says(answer)
            if not refuses:
                self.running.append(cmd_id)
            return
        if not refuses:
            self.report(cmd_id)
        if not is_lost:
            self.says(answer)

    @precondition(lambda self: self.running)
    @rule(n=st.integers(0, 99))
    def finish_one(self, n: int) -> None:
        self.report(self.running.pop(n % len(self.running)))

    def finish_all(self) -> None:
        while self.running:
            self.finish_one(0)

    def report(self, cmd_id: int) -> None:
        message = {'uid': UID, 'cmd_id': cmd_id, 'success': True}
        self.says({'op': 'publish', 'topic': 'haive_os/device/command_result', 'msg': message})

    @rule()
    def ping(self) -> None:
        self.says(ping())

    @rule()
    def become_quiet(self) -> None:
        """Everything is handled or late; then answers belong to their commands again."""
        self.receive()
        while self.inbox:
            self.handle_one(refuses=False, is_lost=False)
            self.ping()
            self.receive()
        self.finish_all()
        # What was refused with an answer that was lost.
        self.give_up_unanswered_tasks()
        self.ping()
        self.has_withdrawn = False
        for refuses in (False, True, False):
            cmd_id = self.call()
            self.receive()
            self.handle_one(refuses=refuses, is_lost=False)
            if refuses and self.habit.answers != 'never':
                assert cmd_id not in self.tasks
            if self.habit.answers == 'first':
                assert self.tasks.get(cmd_id, False) is not refuses
            self.finish_all()
            assert cmd_id not in self.tasks

    @invariant()
    def receive(self) -> None:
        frames = self.peer.hears()
        # Nothing that the device sends is refused.
        assert [frame for frame in frames if frame['op'] != 'call_service'] == []
        self.inbox.extend(frames)

    @invariant()
    def few_commands_are_late(self) -> None:
        # Whatever happens while nothing is heard of the device. (An answer without an id can end
        # the task of another command.)
        if self.habit.has_ids or self.habit.answers == 'never':
            assert self.late() - self.late_before <= WINDOW

    @invariant()
    def memory_is_bounded(self) -> None:
        if channel := self.peer.session.channels.get(UID):
            assert len(channel._awaited) <= MAX_AWAITED
            for service in channel._services.values():
                assert len(service) <= WINDOW
                assert len(service._withdrawn) <= MAX_REMEMBERED
                assert len(service._reported) <= MAX_REMEMBERED


Devices.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestDevices = Devices.TestCase
