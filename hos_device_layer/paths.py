"""Paths that users write."""

from __future__ import annotations

import argparse
from pathlib import Path

from .core.errors import HosError


class PathError(HosError, argparse.ArgumentTypeError):
    """A path begins with `~`, and the home folder that this stands for is not known."""


def user_path(text: str) -> Path:
    """Return a path with `~` and `~user` replaced by the home folder; raises PathError."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise PathError(
            f'{text}: the home folder is not known; set HOME, or give a path without ~'
        ) from None
