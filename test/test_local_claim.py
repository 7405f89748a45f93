"""A name is held by one process at a time, until that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from project import ROOT

from hos_device_layer.local_claim import MAX_REFUSED, LocalClaim, NameHeldError, local_process

PROGRAM = """
import sys
from hos_device_layer.local_claim import LocalClaim, NameHeldError
try:
    claim = LocalClaim(sys.argv[1])
except NameHeldError as error:
    print('held by', error.pid)
else:
    print('holds', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def name() -> str:
    return f'{os.getpid()} /lab'


@pytest.fixture
def claim(name: str) -> Iterator[LocalClaim]:
    claim = LocalClaim(name)
    yield claim
    claim.close()


def start(name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, '-c', PROGRAM, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), *sys.path])},
    )


def test_a_second_process_learns_who_holds_the_name_and_the_holder_learns_of_it(
    name: str, claim: LocalClaim
) -> None:
    assert claim.refused() == []
    second, third = start(name), start(name)
    for process in (second, third):
        assert process.communicate()[0] == f'held by {os.getpid()}\n'
    assert sorted(claim.refused()) == sorted([second.pid, third.pid])
    assert claim.refused() == []


def test_a_name_can_be_held_again_after_it_was_given_up(name: str, claim: LocalClaim) -> None:
    with pytest.raises(NameHeldError):
        LocalClaim(name)
    claim.close()
    LocalClaim(name).close()


def test_a_process_that_is_killed_holds_no_name(name: str) -> None:
    with start(name) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == 'holds\n'
        with pytest.raises(NameHeldError) as error:
            LocalClaim(name)
        assert error.value.pid == holder.pid
        holder.kill()
    LocalClaim(name).close()


def test_refused_processes_cannot_block_the_holder_or_one_another(
    name: str, claim: LocalClaim
) -> None:
    for _ in range(50):
        with pytest.raises(NameHeldError) as error:
            LocalClaim(name)
        assert error.value.pid == os.getpid()
    assert claim.refused() == [os.getpid()] * 50


def test_a_holder_that_is_stopped_for_long_is_held_but_not_named(
    name: str, claim: LocalClaim
) -> None:
    held_by = set()
    for _ in range(MAX_REFUSED + 10):
        with pytest.raises(NameHeldError) as error:
            LocalClaim(name)
        held_by.add(error.value.pid)
    assert held_by == {os.getpid(), 0}
    while claim.refused():
        pass
    with pytest.raises(NameHeldError) as error:
        LocalClaim(name)
    assert error.value.pid == os.getpid()


def test_names_are_independent_and_may_be_long(name: str, claim: LocalClaim) -> None:
    LocalClaim(name + '/a').close()
    LocalClaim(name + '/a' * 1000).close()


def test_a_process_is_named_only_if_it_is_known() -> None:
    assert local_process(17) == 'process 17 on this computer'
    assert local_process(0) == 'a process on this computer'
