"""
What the device manager promises, whatever happens in whatever order.

A model that knows nothing of the dispatcher's parts follows it through random events on a clock
that the test turns.
"""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from virtual_fleet import HALT, at, device, make_spec, move

from hos_device_layer.core.dispatch.calls import Argument
from hos_device_layer.core.dispatch.connections import ConnectionEvent
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, DispatcherLimits
from hos_device_layer.core.dispatch.effects import (
    LogDropped,
    PublishConnectionEvent,
    PublishResult,
)
from hos_device_layer.core.errors import (
    ArgumentError,
    BusyError,
    DeviceNotConnectedError,
    UnknownDeviceIdError,
    UnknownFunctionError,
    UnknownUidError,
)

LIMITS = DispatcherLimits(
    device_timeout_s=20,
    disconnect_after_s=15,
    command_accept_timeout_s=5,
    command_result_timeout_s=30,
    max_running_tasks=6,
    max_waiting_devices=2,
)
MAX_MOVES = 2

GOOD = (Argument('x', 'int32', '7'), Argument('fast', 'bool', '1'))
BAD = (Argument('x', 'int32', '70'), Argument('fast', 'bool', '1'))

# Of each definition of `move`: a result that fits it, and what becomes of that.
RESULTS = {'height:int32': ('V5', '{"height":5}'), 'done:bool': ('Vtrue', '{"done":true}')}

uids = st.integers(1, 6)
rows = st.tuples(
    st.integers(1, 4), st.sampled_from('DE'), st.sampled_from(['Lift'] * 3 + ['Pump'])
).map(lambda row: (row[0], (f'{row[1]}{row[0]}', row[2])))
fleets = st.lists(rows, min_size=1).map(dict)
definitions = st.sampled_from(sorted(RESULTS))


class Promises(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.clock = 0
        self.fleet = {}  # uid: (device id, device type)
        self.states = {}  # uid: 'expected', 'waiting', 'connected', 'timed out', 'disconnected'
        self.silent_at = {}  # uid: when its state ends if nothing comes
        self.running = {}  # task id: what is known of it
        self.outcomes = {}  # id of every task there ever was: its results

    @initialize(fleet=fleets, definition=definitions)
    def begin(self, fleet, definition):
        self.fleet, self.definition = fleet, definition
        self.dispatcher = Dispatcher(self.spec(), 'lab', LIMITS, itertools.count(1), at(0))
        self.states = dict.fromkeys(self.fleet, 'expected')
        for uid in self.fleet:
            self.connect(uid)

    def draw_task(self, data):
        """Draw a task, most often one that runs."""
        return data.draw(st.sampled_from([*sorted(self.running) * 5, *self.outcomes, 999]))

    def spec(self):
        devices = [device(name, uid, kind) for uid, (name, kind) in self.fleet.items()]
        functions = [move(self.definition, max_in_flight=MAX_MOVES), HALT]
        return make_spec([*devices, device('NoUid', None)], functions)

    # The model's steps: each returns the notice it expects.

    def enter(self, uid, state):
        self.states[uid] = state
        lasts = {'connected': 20, 'waiting': 20, 'timed out': 15}.get(state)
        self.silent_at.pop(uid, None)
        if lasts:
            self.silent_at[uid] = self.clock + lasts

    def forget(self, uid):
        del self.states[uid]
        self.silent_at.pop(uid, None)

    def hear(self, uid, connects):
        state = self.states.get(uid)
        if state is None:
            if list(self.states.values()).count('waiting') < LIMITS.max_waiting_devices:
                self.enter(uid, 'waiting')
            return None
        self.enter(uid, 'waiting' if state == 'waiting' else 'connected')
        if state == 'expected':
            return ConnectionEvent.CONNECTED
        if state in ('timed out', 'disconnected') or (connects and state == 'connected'):
            return ConnectionEvent.RECONNECTED
        return None

    def tasks_of(self, uid):
        return {task_id for task_id, task in self.running.items() if task['uid'] == uid}

    def check(self, effects, notices=(), failed=(), dropped=0):
        """Compare what happened with what was expected; the results of failed tasks are taken."""
        changes = [effect for effect in effects if isinstance(effect, PublishConnectionEvent)]
        assert sorted((c.uid, c.notice.value) for c in changes) == sorted(
            (uid, notice.value) for uid, notice in notices if notice
        )
        assert all(c.event_time_s == at(self.clock).epoch for c in changes)
        results = [effect for effect in effects if isinstance(effect, PublishResult)]
        assert sorted(result.task_id for result in results) == sorted(failed)
        for result in results:
            assert not result.success
            assert result.error
            assert result.result_jsons == '{}'
            self.take(result)
        assert sum(isinstance(effect, LogDropped) for effect in effects) == dropped

    def take(self, result):
        task = self.running.pop(result.task_id)
        assert result.uid == task['uid']
        assert result.request_time_s == task['started']
        assert result.response_time_s == at(self.clock).epoch
        self.outcomes[result.task_id].append(result)

    # Devices

    @rule(uid=uids, event=st.sampled_from(['connect', 'ping', 'ping', 'close']))
    def hear_of_a_device(self, uid, event):
        getattr(self, event)(uid)

    def connect(self, uid):
        notice = self.hear(uid, connects=True)
        if uid in self.fleet:
            self.check(self.dispatcher.connect(uid, at(self.clock)), [(uid, notice)])
        else:
            with pytest.raises(UnknownUidError, match=str(uid)):
                self.dispatcher.connect(uid, at(self.clock))

    def ping(self, uid):
        is_new = uid not in self.states
        notice = self.hear(uid, connects=False)
        effects = self.dispatcher.ping(uid, at(self.clock))
        self.check(effects, [(uid, notice)], dropped=int(is_new))

    def close(self, uid):
        notice = None
        if self.states.get(uid) == 'waiting':
            self.forget(uid)
        elif self.states.get(uid) == 'connected':
            self.enter(uid, 'timed out')
            notice = ConnectionEvent.TIMEOUT
        self.check(self.dispatcher.connection_closed(uid, at(self.clock)), [(uid, notice)])

    @precondition(lambda self: self.running)
    @rule(data=st.data(), accepts=st.sampled_from([True, True, True, False]))
    def answer(self, data, accepts):
        task_id = self.draw_task(data)
        task = self.running.get(task_id)
        effects = self.dispatcher.command_answered(task_id, accepts, 'why', at(self.clock))
        if task is None:
            outcomes = self.outcomes.get(task_id, [])
            self.check(effects, dropped=sum(not self.was_reported(o) for o in outcomes))
        elif not accepts:
            self.check(effects, failed=[task_id])
        else:
            self.check(effects)
            if not task['accepted']:
                task['accepted'] = True
                task['late_at'] = self.clock + task['lasts']

    def was_reported(self, outcome):
        return outcome.success or outcome.error == 'bent' or 'does not fit' in outcome.error

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(),
        uid=st.none() | uids,
        kind=st.sampled_from(['right', 'failure', 'misfit']),
    )
    def report(self, data, uid, kind):
        task_id = self.draw_task(data)
        task = self.running.get(task_id)
        uid = uid or (task['uid'] if task else 1)
        text, jsons = (task and task['result']) or ('V5', '')
        effects = self.dispatcher.command_result(
            uid,
            task_id,
            kind != 'failure',
            'bent' if kind == 'failure' else '',
            'V5Vx' if kind == 'misfit' else text,
            at(self.clock),
        )
        if task is None or uid != task['uid']:
            self.check(effects, dropped=1)
        elif kind != 'right':
            self.check(effects, failed=[task_id])
        else:
            (result,) = effects
            assert (result.success, result.error, result.result_jsons) == (True, '', jsons)
            self.take(result)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail_to_send(self, data):
        task_id = self.draw_task(data)
        failed = {task_id} & self.running.keys()
        self.check(self.dispatcher.command_failed(task_id, 'no way', at(self.clock)), (), failed)

    # Callers

    @precondition(lambda self: 'connected' in self.states.values())
    @rule(data=st.data(), function=st.sampled_from([('move', GOOD), ('halt', ())]))
    def call_a_connected_device(self, data, function):
        connected = [uid for uid, state in self.states.items() if state == 'connected']
        uid = data.draw(st.sampled_from(connected))
        self.call(self.fleet[uid][0], *function)

    @rule(
        data=st.data(),
        function_name=st.sampled_from(['move', 'halt', 'fly']),
        arguments=st.sampled_from([GOOD, BAD, ()]),
    )
    def call_anything(self, data, function_name, arguments):
        names = sorted(name for name, _ in self.fleet.values())
        device_id = data.draw(st.sampled_from([*names, 'NoUid', 'Ghost']))
        self.call(device_id, function_name, arguments)

    def call(self, device_id, function_name, arguments):
        uid = {name: uid for uid, (name, _) in self.fleet.items()}.get(device_id)
        refusal = self.refusal(device_id, uid, function_name, arguments)
        if refusal is not None:
            before = len(self.dispatcher.tasks)
            with pytest.raises(refusal):
                self.dispatcher.call(device_id, function_name, arguments, at(self.clock))
            assert len(self.dispatcher.tasks) == before
            return
        command = self.dispatcher.call(device_id, function_name, arguments, at(self.clock))
        assert command.uid == uid
        assert command.cmd_id not in self.outcomes
        is_move = function_name == 'move'
        self.outcomes[command.cmd_id] = []
        self.running[command.cmd_id] = {
            'uid': uid,
            'function': function_name,
            'started': at(self.clock).epoch,
            'accepted': False,
            'late_at': self.clock + 5,
            'lasts': 30 if is_move else 2,
            'result': RESULTS[self.definition] if is_move else ('', '{}'),
        }

    def refusal(self, device_id, uid, function_name, arguments):
        if device_id == 'Ghost':
            return UnknownDeviceIdError
        if uid is None or self.states[uid] != 'connected':
            return DeviceNotConnectedError
        functions = {'Lift': {'move': GOOD, 'halt': ()}, 'Pump': {'move': GOOD}}
        takes = functions[self.fleet[uid][1]]
        if function_name not in takes:
            return UnknownFunctionError
        if arguments != takes[function_name]:
            return ArgumentError
        moves = [t for t in self.running.values() if (t['uid'], t['function']) == (uid, 'move')]
        if function_name == 'move' and len(moves) >= MAX_MOVES:
            return BusyError
        return BusyError if len(self.running) >= LIMITS.max_running_tasks else None

    @precondition(lambda self: len(self.running) > 2)
    @rule()
    def stop(self):
        self.check(self.dispatcher.stop(at(self.clock)), failed=list(self.running))

    # The specification

    @rule(row=rows, goes=st.sampled_from([True, False, False]), definition=definitions)
    def replace_spec(self, row, goes, definition):
        """A row comes, goes or is edited, and so is a function."""
        notices, failed = [], set()
        new = {**self.fleet, **dict([row])}
        if goes:
            del new[row[0]]
        for uid, (_, kind) in self.fleet.items():
            if uid not in new or new[uid][1] != kind:
                if self.states[uid] in ('connected', 'timed out'):
                    notices.append((uid, ConnectionEvent.DISCONNECTED))
                    failed |= self.tasks_of(uid)
                self.forget(uid)
        for uid in new:
            if self.states.get(uid) == 'waiting':
                self.enter(uid, 'connected')
                notices.append((uid, ConnectionEvent.CONNECTED))
            self.states.setdefault(uid, 'expected')
        self.fleet, self.definition = new, definition
        self.check(self.dispatcher.replace_spec(self.spec(), at(self.clock)), notices, failed)

    # Time

    @rule(seconds=st.sampled_from([1, 1, 2, 2, 3, 5, 14, 15, 20, 60]), sleeps=st.booleans())
    def pass_time(self, seconds, sleeps):
        """Time passes; the manager wakes when it wants to, or late, when much is due at once."""
        if sleeps:
            self.clock += seconds
            self.advance()
            return
        end = self.clock + seconds
        while (wake := self.dispatcher.next_deadline()) is not None and wake <= end:
            assert wake >= self.clock
            self.clock = wake
            self.advance()
        self.clock = end

    def advance(self):
        notices = []
        failed = {i for i, task in self.running.items() if task['late_at'] <= self.clock}
        for uid in [uid for uid, time in self.silent_at.items() if time <= self.clock]:
            state = self.states[uid]
            if state == 'waiting':
                self.forget(uid)
            elif state == 'connected':
                self.enter(uid, 'timed out')
                notices.append((uid, ConnectionEvent.TIMEOUT))
            else:
                self.enter(uid, 'disconnected')
                notices.append((uid, ConnectionEvent.DISCONNECTED))
                failed |= self.tasks_of(uid)
        self.check(self.dispatcher.advance(at(self.clock)), notices, failed)

    # What always holds

    @invariant()
    def both_know_the_same(self):
        connections = self.dispatcher.connections
        assert {c.uid: c.state.value for c in connections} == self.states
        assert [c.uid for c in self.dispatcher.connected()] == [
            c.uid for c in connections if self.states[c.uid] == 'connected'
        ]
        assert {task.task_id: task.accepted for task in self.dispatcher.tasks} == {
            task_id: task['accepted'] for task_id, task in self.running.items()
        }

    @invariant()
    def no_task_ended_twice_and_none_is_lost(self):
        for task_id, results in self.outcomes.items():
            assert len(results) == (0 if task_id in self.running else 1)

    @invariant()
    def the_manager_wakes_in_time(self):
        due = [*self.silent_at.values(), *(task['late_at'] for task in self.running.values())]
        if due:
            assert self.dispatcher.next_deadline() <= min(due)

    @invariant()
    def memory_is_bounded(self):
        waiting = [state for state in self.states.values() if state == 'waiting']
        assert len(waiting) <= LIMITS.max_waiting_devices
        assert len(self.dispatcher.tasks) <= LIMITS.max_running_tasks

    def teardown(self):
        if not hasattr(self, 'dispatcher'):
            return
        for _ in range(4):
            self.pass_time(100, sleeps=False)
        assert not self.running
        assert all(len(results) == 1 for results in self.outcomes.values())
        assert self.dispatcher.next_deadline() is None
        assert set(self.states) == set(self.fleet)
        tasks, connections = self.dispatcher.tasks, self.dispatcher.connections
        kept = (tasks, tasks._deadlines, connections._deadlines)
        for part in kept:
            containers = [v for v in vars(part).values() if isinstance(v, (dict, list))]
            assert containers and not any(containers)


TestPromises = Promises.TestCase
TestPromises.settings = settings(max_examples=150, stateful_step_count=80, deadline=None)
