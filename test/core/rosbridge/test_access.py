from __future__ import annotations

import pytest

from hos_device_layer.core.rosbridge import (
    ANONYMOUS_DEVICE_ACCESS,
    LOCAL_ACCESS,
    Access,
    Role,
)


@pytest.mark.parametrize(
    ('role', 'may_act', 'may_call', 'may_read'),
    [
        (Role.DEVICE, True, False, False),
        (Role.OPERATOR, False, True, True),
        (Role.VIEWER, False, False, True),
    ],
)
def test_each_role_has_its_permissions(
    role: Role, may_act: bool, may_call: bool, may_read: bool
) -> None:
    access = Access(frozenset({role}), None, 'a token')
    assert access.is_authenticated
    assert (access.may_act_as(7), access.may_call, access.may_read) == (
        may_act,
        may_call,
        may_read,
    )


def test_a_device_may_only_act_as_the_uids_of_its_token() -> None:
    access = Access(frozenset({Role.DEVICE}), frozenset({7, 8}), 'bay 1')
    assert [access.may_act_as(uid) for uid in (7, 8, 9)] == [True, True, False]


def test_without_a_token_nobody_is_authenticated() -> None:
    for access in (LOCAL_ACCESS, ANONYMOUS_DEVICE_ACCESS, Access()):
        assert not access.is_authenticated
    assert LOCAL_ACCESS.may_call and LOCAL_ACCESS.may_read and LOCAL_ACCESS.may_act_as(7)
    assert ANONYMOUS_DEVICE_ACCESS.may_act_as(7)
    assert not (ANONYMOUS_DEVICE_ACCESS.may_call or ANONYMOUS_DEVICE_ACCESS.may_read)
    assert not (Access().may_act_as(7) or Access().may_call or Access().may_read)
