"""
The guarantees of the dispatcher under random events in any order.

A model that is independent of the parts of the dispatcher follows it, on a clock that the test
sets.
"""

import itertools

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

from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.connection_states import ConnectionEvent
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, DispatcherLimits
from hos_device_layer.core.dispatch.effects import (
    CallAnswer,
    CloseDevice,
    ConnectAnswer,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
    PublishResult,
    SendCommand,
    WithdrawCommand,
)
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    LinkClosed,
    Paused,
    Pinged,
    ResultReported,
    SendFailed,
    SpecReplaced,
    StopRequested,
    Tick,
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

LINKS = ('ros', 'gateway')

# The refusals of calls, by a part of their text.
UNKNOWN_DEVICE = 'no device'
NOT_CONNECTED = 'not connected'
NO_UID = 'has no uid'
UNKNOWN_FUNCTION = 'has no function'
BAD_ARGUMENTS = 'expected'
OUT_OF_RANGE = 'outside'
BUSY = 'wait for'

GOOD = (TypedField('x', 'int32', '7'), TypedField('fast', 'bool', '1'))
BAD = (TypedField('x', 'int32', '70'), TypedField('fast', 'bool', '1'))

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
        self.links = {}  # uid: the link that a device belongs to
        self.open = set()  # (link, uid) of what was opened and not closed
        self.held = {}  # task id: the link that may still hold its command
        self.running = {}  # task id: what is known of it
        self.reported = {}  # task id: its result and the link that reported it
        self.outcomes = {}  # id of every task there ever was: its results

    @initialize(fleet=fleets, definition=definitions)
    def begin(self, fleet, definition):
        self.fleet, self.definition = fleet, definition
        self.dispatcher = Dispatcher(self.spec(), 'lab', LIMITS, itertools.count(1), at(0))
        self.states = dict.fromkeys(self.fleet, 'expected')
        for uid in self.fleet:
            self.connect(uid, 'ros')

    def handle(self, event, link=''):
        effects = self.dispatcher.handle(event, at(self.clock), link)
        for effect in effects:
            self.perform(effect)
        return effects

    def perform(self, effect):
        """Model the part of a link that the guarantees refer to."""
        if isinstance(effect, OpenDevice):
            self.open.add((effect.link, effect.device.uid))
        elif isinstance(effect, CloseDevice):
            self.open.discard((effect.link, effect.uid))
            for task_id, (link, uid) in list(self.held.items()):
                if (link, uid) == (effect.link, effect.uid):
                    del self.held[task_id]
        elif isinstance(effect, SendCommand):
            assert (effect.link, effect.command.uid) in self.open
            self.held[effect.command.cmd_id] = effect.link, effect.command.uid
        elif isinstance(effect, WithdrawCommand):
            self.held.pop(effect.cmd_id, None)
        elif isinstance(effect, PublishResult):
            # A command must not be executed after its result was published.
            assert effect.task_id not in self.held

    def draw_task(self, data):
        """Draw a task, most often one that runs."""
        return data.draw(st.sampled_from([*sorted(self.running) * 5, *self.outcomes, 999]))

    def spec(self):
        devices = [device(name, uid, kind) for uid, (name, kind) in self.fleet.items()]
        functions = [move(self.definition, max_in_flight=MAX_MOVES), HALT]
        return make_spec([*devices, device('NoUid', None)], functions)

    # The model's steps; `hear` returns the connection event that it expects.

    def enter(self, uid, state):
        self.states[uid] = state
        if state == 'disconnected':
            self.links.pop(uid, None)
        lasts = {'connected': 20, 'waiting': 20, 'timed out': 15}.get(state)
        self.silent_at.pop(uid, None)
        if lasts:
            self.silent_at[uid] = self.clock + lasts

    def forget(self, uid):
        del self.states[uid]
        self.links.pop(uid, None)
        self.silent_at.pop(uid, None)

    def hear(self, uid, link, connects):
        state = self.states.get(uid)
        if state is None:
            if list(self.states.values()).count('waiting') < LIMITS.max_waiting_devices:
                self.enter(uid, 'waiting')
                self.links[uid] = link
            return None
        self.links[uid] = link
        self.enter(uid, 'waiting' if state == 'waiting' else 'connected')
        if state == 'expected':
            return ConnectionEvent.CONNECTED
        if state in ('timed out', 'disconnected') or (connects and state == 'connected'):
            return ConnectionEvent.RECONNECTED
        return None

    def tasks_of(self, uid):
        return {task_id for task_id, task in self.running.items() if task['uid'] == uid}

    def check(self, effects, expected=(), failed=(), dropped=0):
        """Compare the effects with the expected ones; the results of failed tasks are taken."""
        changes = [effect for effect in effects if isinstance(effect, PublishConnectionEvent)]
        assert sorted((c.uid, c.event.value) for c in changes) == sorted(
            (uid, event.value) for uid, event in expected if event
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
        assert result.request_time_s == task['started']
        assert result.response_time_s == at(self.clock).epoch
        self.outcomes[result.task_id].append(result)

    # Devices

    @rule(
        uid=uids,
        event=st.sampled_from(['connect', 'ping', 'ping', 'close']),
        link=st.sampled_from(LINKS),
    )
    def hear_of_a_device(self, uid, event, link):
        getattr(self, event)(uid, link)

    def connect(self, uid, link):
        if self.states.get(uid) == 'connected' and self.is_foreign(uid, link):
            dropped, answer = self.handle(ConnectRequested(uid), link)
            assert not answer.success and repr(self.links[uid]) in answer.error
            self.check([dropped], dropped=1)
            return
        expected = self.hear(uid, link, connects=True)
        effects = self.handle(ConnectRequested(uid), link)
        (answer,) = [effect for effect in effects if isinstance(effect, ConnectAnswer)]
        if uid in self.fleet:
            assert answer == ConnectAnswer(True)
            self.check(effects, [(uid, expected)])
        else:
            assert not answer.success and str(uid) in answer.error
            self.check(effects, dropped=1)

    def is_foreign(self, uid, link):
        return self.links.get(uid, link) != link and self.states[uid] != 'waiting'

    def ping(self, uid, link):
        if self.is_foreign(uid, link):
            self.check(self.handle(Pinged(uid), link), dropped=1)
            return
        is_new = uid not in self.states
        expected = self.hear(uid, link, connects=False)
        self.check(self.handle(Pinged(uid), link), [(uid, expected)], dropped=int(is_new))

    def close(self, uid, link):
        expected = None
        if self.links.get(uid) == link:
            if self.states[uid] == 'waiting':
                self.forget(uid)
            elif self.states[uid] == 'connected':
                self.enter(uid, 'timed out')
                expected = ConnectionEvent.TIMEOUT
        self.check(self.handle(LinkClosed(uid), link), [(uid, expected)])

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(),
        accepts=st.sampled_from([True, True, True, False]),
        link=st.none() | st.sampled_from(LINKS),
    )
    def answer(self, data, accepts, link):
        task_id = self.draw_task(data)
        task = self.running.get(task_id)
        uid = task['uid'] if task else 1
        link = link or self.links.get(uid, 'ros')
        counts = task is None or self.links[uid] == link
        if counts:
            self.held.pop(task_id, None)  # It is on the device.
        effects = self.handle(CommandAnswered(uid, task_id, accepts, 'why'), link)
        if task is None:
            outcomes = self.outcomes.get(task_id, [])
            self.check(effects, dropped=sum(not self.was_reported(o) for o in outcomes))
        elif not counts:
            self.check(effects, dropped=1)
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
        link=st.none() | st.sampled_from(LINKS),
    )
    def report(self, data, uid, kind, link):
        task_id = self.draw_task(data)
        task = self.running.get(task_id)
        uid = uid or (task['uid'] if task else 1)
        link = link or self.links.get(uid, 'ros')
        text, jsons = (task and task['result']) or ('V5', '')
        event = ResultReported(
            uid,
            task_id,
            kind != 'failure',
            'bent' if kind == 'failure' else '',
            'V5Vx' if kind == 'misfit' else text,
        )
        effects = self.handle(event, link)
        if self.reported.get(task_id) == (event, link):
            assert effects == []  # Its device has sent it again.
            return
        if task is not None and uid == task['uid'] and self.links.get(uid) == link:
            self.reported[task_id] = event, link
        if task is None or uid != task['uid'] or self.links.get(uid) != link:
            self.check(effects, dropped=1)
        elif kind != 'right':
            self.check(effects, failed=[task_id])
        else:
            (result,) = [effect for effect in effects if isinstance(effect, PublishResult)]
            assert (result.success, result.error, result.result_jsons) == (True, '', jsons)
            self.take(result)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail_to_send(self, data):
        task_id = self.draw_task(data)
        failed = {task_id} & self.running.keys()
        self.check(self.handle(SendFailed(task_id, 'no way')), (), failed)

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
        before = len(self.dispatcher.tasks)
        *sent, answer = self.handle(CallRequested(device_id, function_name, arguments))
        assert isinstance(answer, CallAnswer)
        assert answer.is_valid is (refusal is None)
        if refusal is not None:
            assert refusal in answer.error
            assert sent == [] and len(self.dispatcher.tasks) == before
            return
        (sending,) = sent
        command = sending.command
        assert sending == SendCommand(self.links[uid], command)
        assert answer.task_id == command.cmd_id
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
            return UNKNOWN_DEVICE
        if uid is None:
            return UNKNOWN_DEVICE if device_id != 'NoUid' else NO_UID
        if self.states[uid] != 'connected':
            return NOT_CONNECTED
        functions = {'Lift': {'move': GOOD, 'halt': ()}, 'Pump': {'move': GOOD}}
        takes = functions[self.fleet[uid][1]]
        if function_name not in takes:
            return UNKNOWN_FUNCTION
        if arguments != takes[function_name]:
            return OUT_OF_RANGE if arguments == BAD and takes[function_name] else BAD_ARGUMENTS
        moves = [t for t in self.running.values() if (t['uid'], t['function']) == (uid, 'move')]
        if function_name == 'move' and len(moves) >= MAX_MOVES:
            return BUSY
        return BUSY if len(self.running) >= LIMITS.max_running_tasks else None

    @precondition(lambda self: len(self.running) > 2)
    @rule()
    def stop(self):
        self.check(self.handle(StopRequested()), failed=list(self.running))

    # The specification

    @rule(row=rows, goes=st.sampled_from([True, False, False]), definition=definitions)
    def replace_spec(self, row, goes, definition):
        """Add, remove or edit a row and a function."""
        expected, failed = [], set()
        new = {**self.fleet, **dict([row])}
        if goes:
            del new[row[0]]
        for uid, (_, kind) in self.fleet.items():
            if uid not in new or new[uid][1] != kind:
                if self.states[uid] in ('connected', 'timed out'):
                    expected.append((uid, ConnectionEvent.DISCONNECTED))
                    failed |= self.tasks_of(uid)
                self.forget(uid)
        for uid in new:
            if self.states.get(uid) == 'waiting':
                self.enter(uid, 'connected')
                expected.append((uid, ConnectionEvent.CONNECTED))
            self.states.setdefault(uid, 'expected')
        self.fleet, self.definition = new, definition
        self.check(self.handle(SpecReplaced(self.spec())), expected, failed)

    # Time

    @rule(seconds=st.sampled_from([1, 1, 2, 2, 3, 5, 14, 15, 20, 60]), sleeps=st.booleans())
    def pass_time(self, seconds, sleeps):
        """Advance the clock; the manager wakes at its deadlines, or late with much due at once."""
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

    @rule(seconds=st.sampled_from([1, 10, 40]))
    def pause(self, seconds):
        """Stop the manager: devices cannot be heard, but tasks take no longer than they may."""
        self.clock += seconds
        self.check(self.handle(Paused(seconds)), [], set())
        for uid in self.silent_at:
            self.silent_at[uid] += seconds
        self.advance(self.clock - seconds)
        self.advance()

    def advance(self, until=None):
        until = self.clock if until is None else until
        expected = []
        failed = {i for i, task in self.running.items() if task['late_at'] <= until}
        for uid in [uid for uid, time in self.silent_at.items() if time <= until]:
            state = self.states[uid]
            if state == 'waiting':
                self.forget(uid)
            elif state == 'connected':
                self.enter(uid, 'timed out')
                expected.append((uid, ConnectionEvent.TIMEOUT))
            else:
                self.enter(uid, 'disconnected')
                expected.append((uid, ConnectionEvent.DISCONNECTED))
                failed |= self.tasks_of(uid)
        self.check(self.handle(Tick(until)), expected, failed)

    # What always holds

    @invariant()
    def dispatcher_and_model_agree(self):
        connections = self.dispatcher.connections
        assert {c.uid: c.state.value for c in connections} == self.states
        assert [c.uid for c in connections.connected()] == [
            c.uid for c in connections if self.states[c.uid] == 'connected'
        ]
        assert {c.uid: c.link for c in connections if c.link} == self.links
        assert self.open == {
            (link, uid)
            for uid, link in self.links.items()
            if self.states[uid] in ('connected', 'timed out')
        }
        assert {task.task_id: task.accepted for task in self.dispatcher.tasks} == {
            task_id: task['accepted'] for task_id, task in self.running.items()
        }

    @invariant()
    def each_ended_task_has_exactly_one_result(self):
        for task_id, results in self.outcomes.items():
            assert len(results) == (0 if task_id in self.running else 1)

    @invariant()
    def the_next_deadline_is_early_enough(self):
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
