"""What is stored beside a local copy about its base; nothing of it is secret."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from ...core.errors import DatabaseError
from ..committed_folder import STATE_FOLDER
from .matching import RememberedIds

_FILE = 'airtable.json'


class SyncState(msgspec.Struct, frozen=True):
    """When the base was last read, the ids that were found, and the webhook that is followed."""

    pulled: datetime | None = None
    remembered: RememberedIds = msgspec.field(default=RememberedIds(), name='memory')
    webhook_id: str | None = None


def load_sync_state(folder: Path) -> SyncState:
    """Return the state of the local copy in `folder`; an unreadable one is empty."""
    try:
        return msgspec.json.decode((folder / STATE_FOLDER / _FILE).read_bytes(), type=SyncState)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        # It only saves work: without it, tables are found by name and a webhook is created.
        return SyncState()


def save_sync_state(folder: Path, state: SyncState) -> None:
    """Store the state of the local copy in `folder`; raises DatabaseError."""
    path = folder / STATE_FOLDER / _FILE
    temporary = path.with_suffix('.new')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
        temporary.replace(path)
    except OSError as error:
        raise DatabaseError(f'cannot write {path}: {error}') from error
