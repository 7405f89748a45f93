"""Whether the set-up may be changed by the user who runs it."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import SetupError
from .paths import PROJECT, STATE


def check_permissions() -> None:
    """Raise SetupError if this user cannot change the set-up."""
    folder = STATE if STATE.exists() else PROJECT
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(not_permitted(STATE))


def not_permitted(path: Path) -> str:
    """Return that a file or folder cannot be changed, whose it is, and what to do."""
    owner = _owner(path)
    return (
        f'{path} must be created or changed, but you have no permission: it belongs to {owner}.\n'
        f'Let {owner} run ./hos here, or clone the project into a folder of your own and run '
        './hos there.'
    )


def _owner(path: Path) -> str:
    """Return the name of the owner of a path, or of the folder in which it would be created."""
    while True:
        try:
            return path.owner()
        except KeyError:
            return f'the user {path.stat().st_uid}'
        except OSError:
            path = path.parent
