from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.spec.child_rings import ring_members


def test_only_devices_in_a_ring_are_found():
    children = {'a': 'b', 'b': 'ce', 'c': 'db', 'd': 'b', 'e': 'f', 'f': 'g', 'g': 'f', 'h': 'xh'}
    assert ring_members(children) == {*'bcdfgh'}


@given(st.dictionaries(st.sampled_from('abcdef'), st.lists(st.sampled_from('abcdefx'))))
def test_a_device_in_a_ring_can_be_reached_from_itself(children):
    def reached(name):
        found, pending = set(), [name]
        while pending:
            new = set(children.get(pending.pop(), ())) - found
            found |= new
            pending += new
        return found

    assert ring_members(children) == {name for name in children if name in reached(name)}
