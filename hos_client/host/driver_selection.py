"""Which driver gets a device."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from .driver import Driver


def candidates_for(drivers: Iterable[type[Driver]], connection_type: str) -> list[type[Driver]]:
    """
    Return the drivers of a connection in the order in which they are asked.

    A higher `priority` comes first, but never a parent before its child; then the deeper class,
    then by name, so that the order is always the same.
    """
    able = [d for d in drivers if d.connection_type == connection_type and is_concrete(d)]
    return sorted(able, key=lambda d: (-_rank(d, able), -_depth(d), d.__module__, d.__qualname__))


def is_concrete(handler: type) -> bool:
    """Return whether a class can be instantiated: nothing abstract is left."""
    return not inspect.isabstract(handler)


def _rank(driver: type[Driver], able: list[type[Driver]]) -> int:
    # A child ranks at least as high as its parents.
    return max(other.priority for other in able if issubclass(driver, other))


def _depth(driver: type[Driver]) -> int:
    return len(driver.__mro__)
