"""What is remembered beside the local copy of the base that it comes from; none of it secret."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from ...core.errors import DatabaseError
from ..committed_folder import STATE_FOLDER
from .matching import Memory

_FILE = 'airtable.json'


class SyncState(msgspec.Struct, frozen=True):
    """When the base was last read whole, what it was like, and the webhook that is followed."""

    pulled: datetime | None = None
    memory: Memory = Memory()
    webhook_id: str | None = None


def load_sync_state(folder: Path) -> SyncState:
    """Return what is remembered for the local copy in `folder`; nothing if that is unreadable."""
    try:
        return msgspec.json.decode((folder / STATE_FOLDER / _FILE).read_bytes(), type=SyncState)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        # It only ever saves work: names and a new webhook do without it.
        return SyncState()


def save_sync_state(folder: Path, state: SyncState) -> None:
    """Remember it for the local copy in `folder`; raises DatabaseError."""
    path = folder / STATE_FOLDER / _FILE
    temporary = path.with_suffix('.new')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
        temporary.replace(path)
    except OSError as error:
        raise DatabaseError(f'cannot write {path}: {error}') from error
