from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.dispatch.deadlines import Deadlines


def test_nothing_is_due_without_a_deadline():
    deadlines = Deadlines()
    deadlines.drop(1)
    assert deadlines.next() is None
    assert deadlines.take_due(1e9) == []


def test_a_deadline_is_due_at_its_time_and_once():
    deadlines = Deadlines()
    deadlines.set(1, 10.0)
    assert deadlines.take_due(9.999) == []
    assert deadlines.take_due(10.0) == [1]
    assert deadlines.take_due(10.0) == []
    assert deadlines.next() is None


def test_the_earliest_comes_first():
    deadlines = Deadlines()
    for key, time in ((1, 3.0), (2, 1.0), (3, 2.0)):
        deadlines.set(key, time)
    assert deadlines.take_due(5.0) == [2, 3, 1]


def test_setting_a_deadline_again_replaces_it():
    deadlines = Deadlines()
    deadlines.set(1, 10.0)
    deadlines.set(1, 20.0)
    assert deadlines.take_due(19.0) == []
    deadlines.set(1, 19.5)
    assert deadlines.take_due(19.5) == [1]
    assert deadlines.take_due(99.0) == []


def test_a_dropped_deadline_is_never_due_and_may_be_set_again():
    deadlines = Deadlines()
    deadlines.set(1, 10.0)
    deadlines.drop(1)
    assert deadlines.take_due(10.0) == []
    deadlines.set(1, 15.0)
    deadlines.drop(1)
    deadlines.set(1, 30.0)
    assert deadlines.take_due(29.0) == []
    assert deadlines.take_due(30.0) == [1]


def test_postponing_often_does_not_fill_the_memory():
    deadlines = Deadlines()
    for step in range(10_000):
        deadlines.set(1, 20.0 + step)
    assert len(deadlines._queue) == 1


keys = st.integers(0, 3)
times = st.integers(0, 20)
steps = st.lists(
    st.one_of(
        st.tuples(st.just('set'), keys, times),
        st.tuples(st.just('drop'), keys, st.none()),
        st.tuples(st.just('take'), st.none(), times),
    ),
    max_size=60,
)


@given(steps)
def test_any_use_agrees_with_a_plain_dictionary(steps):
    deadlines = Deadlines()
    wanted = {}
    for step, key, time in steps:
        if step == 'set':
            deadlines.set(key, time)
            wanted[key] = time
        elif step == 'drop':
            deadlines.drop(key)
            wanted.pop(key, None)
        else:
            due = sorted((t, k) for k, t in wanted.items() if t <= time)
            assert deadlines.take_due(time) == [k for _, k in due]
            for _, k in due:
                del wanted[k]
        if wanted:
            assert deadlines.next() <= min(wanted.values())
    deadlines.take_due(20)
    assert not (deadlines._wanted or deadlines._queued or deadlines._queue)
