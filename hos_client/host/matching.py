"""Matches discovered devices to the rows of the fleet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from hos_device_layer.core.spec.fleet import Fleet
from hos_device_layer.core.spec.records import FleetDevice
from hos_device_layer.core.text import shortened

from .detected import Info

# Names that an error message lists; interfaces rarely give more.
_SHOWN_NAMES = 6


class Match(NamedTuple):
    """The row of a device; or None, and the reason with what to do."""

    row: FleetDevice | None
    reason: str = ''


def names_of(info: Info) -> tuple[str, ...]:
    """Return the names in an info; values that are not strings are skipped."""
    names = info.get('names', ())
    if isinstance(names, str):
        names = (names,)
    return tuple(name for name in names if isinstance(name, str) and name)


def uid_of(info: Info) -> int | None:
    """Return the uid in an info, None if there is none."""
    uid = info.get('uid')
    return uid if isinstance(uid, int) and not isinstance(uid, bool) else None


class FleetRows:
    """The rows of a fleet by `serial_info` and by uid."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._by_name: dict[str, list[FleetDevice]] = {}
        self._by_uid: dict[int, list[FleetDevice]] = {}
        for row in fleet.devices:
            if name := row.serial_info.strip():
                self._by_name.setdefault(name.casefold(), []).append(row)
            if row.uid is not None:
                self._by_uid.setdefault(row.uid, []).append(row)

    def named(self, name: str) -> list[FleetDevice]:
        """Return the rows whose `serial_info` is a name; case is ignored."""
        return self._by_name.get(name.casefold(), [])

    def with_uid(self, uid: int) -> list[FleetDevice]:
        """Return the rows with a uid."""
        return self._by_uid.get(uid, [])


def match(info: Info, uid: int | None, rows: FleetRows, assigned: Mapping[str, str]) -> Match:
    """
    Find the row of a device: by the uid it reports, else by the first name that a row has.

    `assigned` maps device ids of other discovered devices to their identifiers. If several rows
    or several devices match, no row is chosen.
    """
    fleet = rows.fleet
    if uid is not None:
        return _single_row(rows.with_uid(uid), f'uid {uid}', assigned) or Match(
            None,
            f'the device reports uid {uid}, which no row of fleet-{fleet.name} has: enter it as '
            'device_uid of its row',
        )
    names = names_of(info)
    for name in names:
        if found := _single_row(rows.named(name), f'serial_info {name!r}', assigned):
            return found
    if not fleet.name:
        return Match(None, 'the fleet is not known yet: the device manager has not been reached')
    return Match(None, _unmatched_text(names, fleet.name))


def _single_row(
    rows: Collection[FleetDevice], what: str, assigned: Mapping[str, str]
) -> Match | None:
    if not rows:
        return None
    if len(rows) > 1:
        ids = ', '.join(sorted(row.device_id for row in rows))
        return Match(
            None, f'{what} matches several devices: {ids}. Give each a serial_info of its own'
        )
    (row,) = rows
    if row.device_id in assigned:
        return Match(
            None,
            f'{what} matches {row.device_id}, which is already on {assigned[row.device_id]}. '
            'Give each device a serial_info of its own, such as the USB serial number',
        )
    if row.uid is None:
        return Match(None, f'{row.device_id} has no device_uid: enter one in its row')
    return Match(row)


def _unmatched_text(names: tuple[str, ...], fleet_name: str) -> str:
    if not names:
        return f'the device has no name that could match a row of fleet-{fleet_name}'
    shown = ', '.join(shortened(name) for name in names[:_SHOWN_NAMES])
    return f'enter one of these as serial_info of its row in fleet-{fleet_name}: {shown}'
