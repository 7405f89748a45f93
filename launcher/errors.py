"""What stops the set-up."""

from __future__ import annotations


class SetupError(Exception):
    """The set-up cannot continue; the text says why, and what to do."""
