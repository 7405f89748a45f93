"""The states of discovered devices, without threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_fleet import UID, Anything, Child, fleet, row
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hos_client.host import Driver
from hos_client.host.device_registry import (
    LONGEST_RETRY_S,
    Assign,
    DeviceRegistry,
    DeviceState,
    HostEffect,
    Register,
    Report,
    Start,
    Stop,
    Unregister,
)

PLUGGED = {'port1': {'names': ('K6101',)}}


def without_reports(effects: list[HostEffect]) -> list[HostEffect]:
    return [effect for effect in effects if not isinstance(effect, Report)]


def only(effects: list[HostEffect], kind: type) -> Any:
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, effects
    return found[0]


def started(registry: DeviceRegistry, devices: Mapping[str, Any] = PLUGGED) -> Start:
    start = only(registry.found('fakes', 'fake', devices), Start)
    assert isinstance(start, Start)
    return start


def new_registry(*drivers: type[Driver]) -> DeviceRegistry:
    return DeviceRegistry(drivers or (Anything,), fleet())


def test_a_device_is_started_then_registered() -> None:
    registry = new_registry()
    start = started(registry)
    assert start.device.row == row() and start.candidates == [Anything]
    assert start.device.type is not None and start.device.type.name == 'Shaker'
    register = only(registry.created(start.attempt, Anything), Register)
    assert register == Register(start.attempt, start.device)
    assert [r.state for r in registry.reports()] == [DeviceState.READY]
    assert registry.found('fakes', 'fake', PLUGGED) == []


def test_an_unplugged_device_is_stopped_and_unregistered() -> None:
    registry = new_registry()
    start = started(registry)
    registry.created(start.attempt, Anything)
    effects = without_reports(registry.found('fakes', 'fake', {}))
    assert effects == [
        Stop(start.attempt, 'the device was unplugged'),
        Unregister(start.attempt, start.device),
    ]
    assert only(registry.ended(start.attempt), Report).state is DeviceState.GONE
    assert registry.reports() == []


def test_a_device_replugged_while_stopping_starts_when_the_attempt_has_ended() -> None:
    registry = new_registry()
    first = started(registry)
    registry.found('fakes', 'fake', {})
    assert without_reports(registry.found('fakes', 'fake', PLUGGED)) == []
    again = only(registry.ended(first.attempt), Start)
    assert again.attempt != first.attempt and again.device == first.device


def test_a_replaced_device_is_restarted() -> None:
    registry = new_registry()
    first = started(registry)
    registry.created(first.attempt, Anything)
    replaced = {'port1': {'names': ('K6101',), 'node': 2}}
    assert only(registry.found('fakes', 'fake', replaced), Stop).attempt == first.attempt
    assert only(registry.ended(first.attempt), Start).device.info == replaced['port1']


def test_events_of_an_attempt_that_has_ended_are_ignored() -> None:
    registry = new_registry()
    start = started(registry)
    registry.found('fakes', 'fake', {})
    registry.ended(start.attempt)
    assert registry.created(start.attempt, Anything) == []
    assert registry.lost(start.attempt, 'x', 0.0) == []
    assert registry.ended(start.attempt) == []


def test_a_driver_created_while_stopping_is_not_registered() -> None:
    registry = new_registry()
    start = started(registry)
    registry.found('fakes', 'fake', {})
    assert without_reports(registry.created(start.attempt, Anything)) == []


def test_an_unknown_device_waits_and_reports_what_to_enter() -> None:
    registry = DeviceRegistry((), fleet())
    start = started(registry, {'port1': {'names': ('usb-1', '0403:6001')}})
    report = only(registry.unsupported(start.attempt, ''), Report)
    assert report.state is DeviceState.WAITING
    assert report.reason == (
        "enter one of these as serial_info of its row in fleet-lab: 'usb-1', '0403:6001'"
    )
    known = fleet(row(serial_info='usb-1'))
    assert only(registry.set_fleet(known), Start).device.row == known.devices[0]


def test_before_the_fleet_is_known() -> None:
    registry = DeviceRegistry((), None)
    start = started(registry)
    registry.unsupported(start.attempt, '')
    assert 'not been reached' in registry.reports()[0].reason


def test_a_device_without_a_driver_is_tried_again_when_the_drivers_change() -> None:
    registry = DeviceRegistry((), fleet())
    start = started(registry)
    report = only(registry.unsupported(start.attempt, 'Odd failed: x'), Report)
    assert report.state is DeviceState.UNSUPPORTED
    assert report.reason == 'no driver supports it; Odd failed: x'
    assert registry.set_drivers(()) == []
    assert only(registry.set_drivers((Anything,)), Start).candidates == [Anything]


def test_new_drivers_restart_only_the_devices_that_they_could_handle() -> None:
    registry = new_registry(Anything)
    start = started(registry)
    registry.created(start.attempt, Anything)

    class Later(Anything):
        priority = -1
        connection_type = 'other'

    assert registry.set_drivers((Anything, Later)) == []
    assert only(registry.set_drivers((Anything, Child)), Stop).attempt == start.attempt


def test_a_removed_driver_is_stopped() -> None:
    registry = new_registry(Child, Anything)
    start = started(registry)
    registry.created(start.attempt, Child)
    assert only(registry.set_drivers((Anything,)), Stop)
    again = only(registry.ended(start.attempt), Start)
    assert again.candidates == [Anything]


def test_an_unavailable_device_is_retried_with_growing_waits() -> None:
    registry = new_registry()
    attempt, now, waits = started(registry).attempt, 0.0, []
    for _ in range(8):
        registry.unavailable(attempt, 'busy', now)
        deadline = registry.next_deadline()
        assert deadline is not None
        waits.append(deadline - now)
        assert without_reports(registry.advance(deadline - 0.01)) == []
        now = deadline
        attempt = only(registry.advance(now), Start).attempt
    assert waits == [0.125, 0.25, 0.5, 1, 2, 4] + [LONGEST_RETRY_S] * 2
    assert registry.next_deadline() is None


def test_a_lost_device_that_is_still_present_is_opened_again() -> None:
    registry = new_registry()
    start = started(registry)
    registry.created(start.attempt, Anything)
    assert [type(e) for e in without_reports(registry.lost(start.attempt, 'gone', 5.0))] == [
        Stop,
        Unregister,
    ]
    assert without_reports(registry.ended(start.attempt)) == []
    assert registry.next_deadline() == 5.125
    assert only(registry.advance(5.125), Start)


def test_a_device_that_reports_its_uid_is_assigned_without_a_restart() -> None:
    registry = new_registry()
    start = started(registry, {'port9': {}})
    registry.created(start.attempt, Anything)
    assert registry.reports()[0].state is DeviceState.WAITING
    effects = without_reports(registry.identified(start.attempt, UID))
    assert [type(effect) for effect in effects] == [Assign, Register]
    assert effects[0].device.row == row()  # type: ignore[union-attr]
    effects = without_reports(registry.identified(start.attempt, 5))
    assert [type(effect) for effect in effects] == [Assign, Unregister]
    assert 'uid 5' in registry.reports()[0].reason


def test_two_of_the_same_kind() -> None:
    registry = new_registry()
    devices = {name: {'names': ('K6101',)} for name in ('port1', 'port2')}
    starts = [e for e in registry.found('fakes', 'fake', devices) if isinstance(e, Start)]
    assert [start.device.row is None for start in starts] == [False, True]
    for start in starts:
        registry.created(start.attempt, Anything)
    first, second = registry.reports()
    assert first.state is DeviceState.READY
    assert second.state is DeviceState.WAITING and 'already on port1' in second.reason
    # The first goes, the second takes its place.
    assert {e.attempt for e in registry.found('fakes', 'fake', {'port2': {'names': ('K6101',)}})
            if isinstance(e, Stop)} == {s.attempt for s in starts}  # fmt: skip
    registry.ended(starts[0].attempt)
    assert only(registry.ended(starts[1].attempt), Start).device.row == row()


def test_only_a_changed_row_restarts_a_device() -> None:
    registry = new_registry()
    start = started(registry)
    registry.created(start.attempt, Anything)
    assert registry.set_fleet(fleet(row(), row('K6102', 7))) == []
    changed = fleet(row(baud_rate=115200))
    assert only(registry.set_fleet(changed), Stop).attempt == start.attempt
    assert only(registry.ended(start.attempt), Start).device.row.baud_rate == 115200


class DeviceRegistryMachine(RuleBasedStateMachine):
    """A device never has two attempts, and a registered device has a driver."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = DeviceRegistry((Anything,), fleet())
        self.running: dict[int, str] = {}
        self.stopping: set[int] = set()
        self.registered: dict[str, int] = {}
        self.plugged: dict[str, dict[str, Any]] = {}
        self.now = 0.0

    def carry_out(self, effects: list[HostEffect]) -> None:
        for effect in effects:
            match effect:
                case Start(attempt, device, _):
                    assert device.identifier not in self.running.values()
                    assert device.identifier in self.plugged
                    self.running[attempt] = device.identifier
                case Stop(attempt, _):
                    assert attempt in self.running and attempt not in self.stopping
                    self.stopping.add(attempt)
                case Register(attempt, device):
                    assert device.row is not None
                    assert device.row.device_id not in self.registered
                    assert attempt in self.running and attempt not in self.stopping
                    self.registered[device.row.device_id] = attempt
                case Unregister(attempt, device):
                    assert device.row is not None
                    assert self.registered.pop(device.row.device_id) == attempt

    def end(self, attempt: int) -> None:
        del self.running[attempt]
        self.stopping.discard(attempt)

    ports = st.sampled_from(['p1', 'p2', 'p3'])
    names = st.sampled_from(['K6101', 'K6102', 'unknown'])

    @rule(port=ports, name=names)
    def plug(self, port: str, name: str) -> None:
        self.plugged[port] = {'names': (name,)}
        self.carry_out(self.registry.found('fakes', 'fake', self.plugged))

    @rule(port=ports)
    def unplug(self, port: str) -> None:
        self.plugged.pop(port, None)
        self.carry_out(self.registry.found('fakes', 'fake', self.plugged))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), outcome=st.sampled_from(['made', 'unsupported', 'unavailable', 'lost']))
    def tell(self, data: st.DataObject, outcome: str) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.running)))
        if outcome == 'made':
            self.carry_out(self.registry.created(attempt, Anything))
        elif outcome == 'lost':
            self.carry_out(self.registry.lost(attempt, 'lost', self.now))
        elif attempt not in self.registered.values():
            self.end(attempt)
            if outcome == 'unsupported':
                self.carry_out(self.registry.unsupported(attempt, ''))
            else:
                self.carry_out(self.registry.unavailable(attempt, 'busy', self.now))

    @precondition(lambda self: self.stopping)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.stopping)))
        self.end(attempt)
        self.carry_out(self.registry.ended(attempt))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), uid=st.sampled_from([UID, 7, 99]))
    def tell_uid(self, data: st.DataObject, uid: int) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.running)))
        self.carry_out(self.registry.identified(attempt, uid))

    @rule(both=st.booleans())
    def change_fleet(self, both: bool) -> None:
        rows = (row(), row('K6102', 7)) if both else (row(),)
        self.carry_out(self.registry.set_fleet(fleet(*rows)))

    @rule(more=st.booleans())
    def change_drivers(self, more: bool) -> None:
        self.carry_out(self.registry.set_drivers((Anything, Child) if more else (Anything,)))

    @rule(by=st.floats(0.1, 6.0))
    def wait(self, by: float) -> None:
        self.now += by
        self.carry_out(self.registry.advance(self.now))

    @invariant()
    def every_plugged_device_is_listed(self) -> None:
        listed = {
            r.identifier for r in self.registry.reports() if r.state is not DeviceState.STOPPING
        }
        assert listed <= self.plugged.keys()
        everything = {report.identifier for report in self.registry.reports()}
        assert self.plugged.keys() <= everything

    @invariant()
    def ready_is_registered(self) -> None:
        ready = {r.device_id for r in self.registry.reports() if r.state is DeviceState.READY}
        assert ready == self.registered.keys()


TestDeviceRegistryMachine = DeviceRegistryMachine.TestCase
TestDeviceRegistryMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
