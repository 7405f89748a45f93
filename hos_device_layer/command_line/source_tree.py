"""The source checkout that the development commands work on."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]
NO_SOURCE_TREE = (
    'this installation has no tests; run ./hos in a source checkout of hos_device_layer'
)


def is_source_tree() -> bool:
    """Whether this code runs from a source checkout, not from an installation."""
    return (PROJECT / 'test').is_dir() and (PROJECT / 'pyproject.toml').is_file()
