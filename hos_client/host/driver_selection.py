"""Selects the drivers that may handle a device."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from .driver import Driver


def candidates_for(drivers: Iterable[type[Driver]], connection_type: str) -> list[type[Driver]]:
    """
    Return the drivers for a connection type, in the order in which they are tried.

    A higher `priority` comes first, but a subclass always precedes its parents. Ties are broken
    by depth of inheritance and then by name, so that the order is deterministic.
    """
    suitable = [d for d in drivers if d.connection_type == connection_type and is_concrete(d)]
    return sorted(
        suitable, key=lambda d: (-_rank(d, suitable), -_depth(d), d.__module__, d.__qualname__)
    )


def is_concrete(handler: type) -> bool:
    """Return whether a class can be instantiated, so has no abstract methods."""
    return not inspect.isabstract(handler)


def _rank(driver: type[Driver], suitable: list[type[Driver]]) -> int:
    # A subclass ranks at least as high as its parents.
    return max(other.priority for other in suitable if issubclass(driver, other))


def _depth(driver: type[Driver]) -> int:
    return len(driver.__mro__)
