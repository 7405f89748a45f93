"""Of the managers in a namespace exactly one continues, in whatever order they see each other."""

from __future__ import annotations

import itertools
import math

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from hos_device_layer.core.errors import NamespaceTakenError
from hos_device_layer.core.namespace_claim import ManagerClaim, NamespaceClaim

OLD = ManagerClaim('b', 'bench1', 11, 100.0)
NEW = ManagerClaim('a', 'bench2', 22, 101.0)


def claims(*own: ManagerClaim) -> list[NamespaceClaim]:
    return [NamespaceClaim(claim, '/lab') for claim in own]


def test_a_manager_ends_if_another_one_serves() -> None:
    old, new = claims(OLD, NEW)
    new.serve()
    with pytest.raises(NamespaceTakenError) as error:
        old.see(new.own)
    assert "the namespace '/lab': process 22 on 'bench2', started 19" in str(error.value)
    assert 'Stop it first' in str(error.value)


def test_of_two_that_claim_at_the_same_time_the_first_continues() -> None:
    old, new = claims(OLD, NEW)
    assert old.see(new.own)
    with pytest.raises(NamespaceTakenError):
        new.see(old.own)


def test_a_manager_names_each_refused_one_once() -> None:
    (old,) = claims(OLD)
    assert old.see(NEW) and not old.see(NEW)
    old.serve()
    assert not old.see(msgspec.structs.replace(NEW, is_serving=True))


def test_a_manager_ignores_its_own_claim() -> None:
    (old,) = claims(OLD)
    assert not old.see(OLD)
    old.serve()
    assert not old.see(OLD)


# What the message of a faulty or hostile manager may say.
ABSURD_TIMES = [1e300, -1e300, -1.0, math.nan, math.inf, -math.inf]


@pytest.mark.parametrize('time_s', ABSURD_TIMES)
def test_a_claim_with_an_absurd_time_is_a_claim_like_any_other(time_s: float) -> None:
    absurd = msgspec.structs.replace(NEW, start_time_s=time_s, is_serving=True)
    (old,) = claims(OLD)
    with pytest.raises(NamespaceTakenError, match=r"process 22 on 'bench2', started \S+"):
        old.see(absurd)
    old.serve()
    (served,) = claims(absurd)
    ended = 0
    for viewer, other in ((old, served.own), (served, old.own)):
        try:
            viewer.see(other)
        except NamespaceTakenError:
            ended += 1
    assert ended == 1


def test_a_claim_is_one_short_line() -> None:
    text = str(msgspec.structs.replace(NEW, host='\n' * 10_000))
    assert text.isprintable() and len(text) < 400


class Managers(RuleBasedStateMachine):
    """Managers start, serve and see each other at any time; at last, each sees all others."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, NamespaceClaim] = {}
        self.count = 0

    @rule(start_time_s=st.floats(0, 3) | st.sampled_from(ABSURD_TIMES))
    def start(self, start_time_s: float) -> None:
        self.count += 1
        own = ManagerClaim(str(self.count), 'bench', self.count, start_time_s)
        self.left[own.manager_id] = NamespaceClaim(own, '/lab')

    @precondition(lambda self: self.left)
    @rule(data=st.data())
    def serve(self, data: st.DataObject) -> None:
        self.left[data.draw(st.sampled_from(sorted(self.left)))].serve()

    @precondition(lambda self: len(self.left) > 1)
    @rule(data=st.data())
    def see(self, data: st.DataObject) -> None:
        ids = st.sampled_from(sorted(self.left))
        self.compare(data.draw(ids), data.draw(ids))

    def compare(self, viewer: str, other: str) -> None:
        try:
            self.left[viewer].see(self.left[other].own)
        except NamespaceTakenError:
            del self.left[viewer]

    def teardown(self) -> None:
        for viewer, other in itertools.permutations(sorted(self.left), 2):
            if viewer in self.left and other in self.left:
                self.compare(viewer, other)
        assert len(self.left) == min(self.count, 1)


TestManagers = Managers.TestCase
