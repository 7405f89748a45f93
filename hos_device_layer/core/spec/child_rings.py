"""Devices that are their own descendants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def ring_members(children: Mapping[str, Sequence[str]]) -> set[str]:
    """
    Return those that are their own descendants; `children` are those of each device.

    They are found as strongly connected components (Kosaraju), in linear time.
    """
    parents: dict[str, list[str]] = {}
    for parent, names in children.items():
        for child in names:
            parents.setdefault(child, []).append(parent)
    visited: set[str] = set()
    descendants_first = [n for start in children for n in _visit(start, children, visited)]
    members: set[str] = set()
    visited.clear()
    for start in reversed(descendants_first):
        ring = _visit(start, parents, visited)
        if len(ring) > 1 or start in children.get(start, ()):
            members.update(ring)
    return members


def _visit(start: str, links: Mapping[str, Sequence[str]], visited: set[str]) -> list[str]:
    """Return what can be reached from `start` and has not been visited, the farthest first."""
    found = []
    pending = [(start, False)]
    while pending:
        name, is_explored = pending.pop()
        if is_explored:
            found.append(name)
        elif name not in visited:
            visited.add(name)
            pending.append((name, True))
            pending += ((linked, False) for linked in links.get(name, ()))
    return found
