"""Drives a dispatcher in tests: reports events to it and takes its effects apart."""

import itertools

from virtual_fleet import LIFT, at, make_spec

from hos_device_layer.core.dispatch.calls import TypedField
from hos_device_layer.core.dispatch.dispatcher import Dispatcher, DispatcherLimits
from hos_device_layer.core.dispatch.effects import CallAnswer, ConnectAnswer, SendCommand
from hos_device_layer.core.dispatch.events import (
    CallRequested,
    CommandAnswered,
    ConnectRequested,
    ResultReported,
)

ROS, GATEWAY = 'ros', 'gateway'

# Arguments that fit the function `move`.
GOOD = (TypedField('x', 'int32', '7'), TypedField('fast', 'bool', '1'))


class DispatcherDriver:
    """A dispatcher, driven by events at times that the test sets."""

    def __init__(self, spec=None, limits=None, task_ids=None, fleet='lab'):
        ids = itertools.count(1) if task_ids is None else task_ids
        self.dispatcher = Dispatcher(
            spec or make_spec(), fleet, limits or DispatcherLimits(), ids, at(0.0)
        )

    def handle(self, event, now=0.0, link=ROS):
        return self.dispatcher.handle(event, at(now), link)

    def connect(self, uid=LIFT.uid, now=0.0, link=ROS):
        *effects, answer = self.handle(ConnectRequested(uid), now, link)
        assert isinstance(answer, ConnectAnswer)
        return effects, answer

    def connect_error(self, uid=LIFT.uid, now=0.0):
        (dropped,), answer = self.connect(uid, now)
        assert not answer.success and answer.error in dropped.reason
        return answer.error

    def call(self, device_id='L1', function_name='move', arguments=GOOD, now=0.0):
        """Return the command of an accepted call."""
        sent, answer = self.handle(CallRequested(device_id, function_name, arguments), now, '')
        assert isinstance(sent, SendCommand)
        assert answer == CallAnswer(True, '', sent.command.cmd_id)
        return sent.command

    def call_error(self, device_id='L1', function_name='move', arguments=GOOD, now=0.0):
        """Return the error of a refused call."""
        (answer,) = self.handle(CallRequested(device_id, function_name, arguments), now, '')
        assert not answer.is_valid and answer.task_id == 0
        return answer.error

    def answer(self, command, is_valid=True, error='', now=1.0, link=ROS):
        event = CommandAnswered(command.uid, command.cmd_id, is_valid, error)
        return self.handle(event, now, link)

    def report(self, command, result='V5', success=True, error='', now=1.0, link=ROS):
        event = ResultReported(command.uid, command.cmd_id, success, error, result)
        return self.handle(event, now, link)


def only(effects, kind):
    """Return the one effect of a kind."""
    (effect,) = [effect for effect in effects if isinstance(effect, kind)]
    return effect
