"""Whether this code runs from a source checkout, and how users then start its commands."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[1]


def is_source_tree() -> bool:
    """Whether this code runs from a source checkout, not from an installation."""
    return (PROJECT / 'hos').is_file() and (PROJECT / 'pyproject.toml').is_file()


# How messages name the command line: an installation has no `./hos`, a checkout no `hos`.
HOS = './hos' if is_source_tree() else 'hos'
