"""Devices with their tags and hashes."""

from __future__ import annotations

import pytest

from hos_client import Device, DeviceError, hash_of

LAMP_HASH = '402eec246402a4cfd92af40a45c844eaf04bb80d'


def lamp() -> Device:
    device = Device('dev1', 'typeA', 'Lamp')
    device.addTag('room', 'lab')
    return device


def test_known_hash() -> None:
    assert lamp().hash == LAMP_HASH


def test_the_hash_follows_name_and_tags() -> None:
    device = lamp()
    device.name = 'Lantern'
    assert device.hash != LAMP_HASH
    device.name = 'Lamp'
    device.changeTag('room', 'hall')
    assert device.hash != LAMP_HASH
    device.change_tag('room', 'lab')
    device.add_tag('shelf', '2')
    assert device.hash != LAMP_HASH
    device.removeTag('shelf')
    assert device.hash == LAMP_HASH


def test_tags_keep_their_order_and_place() -> None:
    device = Device('a', 'b', 'c')
    for tag_id in ('z', 'a', 'm'):
        device.add_tag(tag_id, '1')
    device.change_tag('a', '2')
    assert list(device.tags.items()) == [('z', '1'), ('a', '2'), ('m', '1')]


def test_wrong_tags() -> None:
    device = lamp()
    with pytest.raises(DeviceError, match='already'):
        device.add_tag('room', 'x')
    with pytest.raises(DeviceError, match='existing tags: room'):
        device.change_tag('floor', 'x')
    with pytest.raises(DeviceError, match='no tag'):
        device.remove_tag('floor')
    with pytest.raises(TypeError):
        device.tags['room'] = 'x'  # type: ignore[index]


def test_id_and_type_are_fixed() -> None:
    device = lamp()
    for name in ('id', 'type', 'uid'):
        with pytest.raises(AttributeError):
            setattr(device, name, 'x')


@pytest.mark.parametrize('uid', [-1, 2**32])
def test_uids_are_checked(uid: int) -> None:
    with pytest.raises(DeviceError, match='uid'):
        Device('a', 'b', 'c', uid=uid)


def test_subclasses() -> None:
    class Scale(Device):
        def __init__(self, name: str) -> None:
            super().__init__('s1', 'Scale', name)
            self.zero = 0.5

    assert Scale('x').hash == Device('s1', 'Scale', 'x').hash
    assert repr(Scale('x')) == "Scale('s1', 'Scale', 'x', uid=None)"


def test_a_set_has_one_hash_whatever_its_order() -> None:
    other = Device('dev2', 'typeA', 'Lamp')
    assert hash_of([lamp(), other]) == hash_of([other, lamp()])
    assert hash_of([lamp()]) != hash_of([lamp(), other])
