"""The environment variables of the processes that `./hos` starts."""

from __future__ import annotations

from fake_project import FakeProject, environ_of


def test_processes_hear_this_machine_only_unless_told_otherwise(ready: FakeProject) -> None:
    ours = environ_of(ready.run())
    assert ours['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 1 <= int(ours['ROS_DOMAIN_ID']) <= 49
    told = environ_of(ready.run(ROS_AUTOMATIC_DISCOVERY_RANGE='SUBNET', ROS_DOMAIN_ID='0'))
    assert told['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'
    assert told['ROS_DOMAIN_ID'] == '0'


def test_an_environment_within_the_environment_is_the_same(ready: FakeProject) -> None:
    outer = environ_of(ready.run())
    inner = environ_of(ready.run(**outer))
    assert ready.calls() == []
    assert {**inner, 'SHLVL': '', '_': ''} == {**outer, 'SHLVL': '', '_': ''}
