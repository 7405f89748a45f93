"""Which device of the fleet a detected device is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from hos_device_layer.core.spec.fleet import Fleet
from hos_device_layer.core.spec.records import FleetDevice
from hos_device_layer.core.text import shortened

from .detected import Info

# More names than an interface has reason to give.
_SHOWN_NAMES = 6


class Match(NamedTuple):
    """The row of a device; or None, and what is needed to know it."""

    row: FleetDevice | None
    reason: str = ''


def names_of(info: Info) -> tuple[str, ...]:
    """Return the names an interface gave to a device; what is no text is left out."""
    names = info.get('names', ())
    if isinstance(names, str):
        names = (names,)
    return tuple(name for name in names if isinstance(name, str) and name)


def uid_of(info: Info) -> int | None:
    """Return the uid that a device tells itself, or None."""
    uid = info.get('uid')
    return uid if isinstance(uid, int) and not isinstance(uid, bool) else None


class FleetRows:
    """The rows of a fleet, by what identifies them."""

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
        """Return the rows whose serial_info is a name, in capitals or not."""
        return self._by_name.get(name.casefold(), [])

    def with_uid(self, uid: int) -> list[FleetDevice]:
        """Return the rows of a uid."""
        return self._by_uid.get(uid, [])


def match(info: Info, uid: int | None, rows: FleetRows, assigned: Mapping[str, str]) -> Match:
    """
    Find the row of a device: by the uid it tells, else by the first name that a row has.

    `taken` are the device ids that other detected devices have, and where. Where several rows or
    several devices fit, none is picked by chance.
    """
    fleet = rows.fleet
    if uid is not None:
        return _single_row(rows.with_uid(uid), f'uid {uid}', assigned) or Match(
            None,
            f'it tells the uid {uid}, which no device of the fleet {fleet.name!r} has: enter it '
            f'as device_uid of a row of fleet-{fleet.name}',
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
        return Match(None, f'{what} fits several devices: {ids}. Give each a name of its own')
    (row,) = rows
    if row.device_id in assigned:
        return Match(
            None,
            f'{what} is that of {row.device_id}, which is on {assigned[row.device_id]} already. '
            'Give each a name of its own, as the USB serial number',
        )
    if row.uid is None:
        return Match(None, f'{row.device_id} has no device_uid yet: enter one in its row')
    return Match(row)


def _unmatched_text(names: tuple[str, ...], fleet_name: str) -> str:
    if not names:
        return f'it is not known which device of fleet-{fleet_name} this is'
    shown = ', '.join(shortened(name) for name in names[:_SHOWN_NAMES])
    return f'enter one of these as serial_info of its row in fleet-{fleet_name}: {shown}'
