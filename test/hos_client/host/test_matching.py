"""The row of a discovered device."""

from __future__ import annotations

from typing import Any

import pytest
from fake_fleet import fleet, row

from hos_client.host.matching import FleetRows, Match, match, names_of, uid_of

NAMES = {'names': ('usb-Scale_0417', 'A50285BI', '/dev/ttyUSB0', 'ttyUSB0', '0403:6001')}


def found(info: dict[str, Any], *rows: Any, uid: int | None = None, **assigned: str) -> Match:
    return match(info, uid, FleetRows(fleet(*rows)), assigned)


@pytest.mark.parametrize('name', [*NAMES['names'], 'A50285bi', ' USB-scale_0417 '])
def test_a_row_matches_by_any_name(name: str) -> None:
    scale = row(serial_info=name)
    assert found(NAMES, scale, row('other', 7)) == Match(scale)


def test_the_most_specific_name_wins() -> None:
    by_kind, by_serial = row('A', 1, serial_info='0403:6001'), row('B', 2, serial_info='A50285BI')
    assert found(NAMES, by_kind, by_serial).row == by_serial


def test_no_row_is_chosen_if_several_match() -> None:
    rows = [row(f'K{n}', n, serial_info='0403:6001') for n in range(2)]
    assert 'matches several devices: K0, K1' in found(NAMES, *rows).reason
    assert 'already on port1' in found(NAMES, rows[0], K0='port1').reason


def test_the_reason_says_what_is_missing() -> None:
    assert 'has no device_uid:' in found(NAMES, row(uid=None, serial_info='ttyUSB0')).reason
    assert 'no name that could match' in found({}, row()).reason
    assert 'no row of fleet-lab has: enter it as device_uid' in found(NAMES, row(), uid=5).reason
    empty = row(serial_info='')
    assert found({'names': ('',)}, empty).row is None


def test_invalid_values_in_an_info_are_skipped() -> None:
    assert names_of({'names': 'one'}) == ('one',)
    assert names_of({'names': ('one', 5, None, '')}) == ('one',)
    assert uid_of({'uid': True}) is None and uid_of({'uid': '5'}) is None
    assert uid_of({'uid': 5}) == 5
