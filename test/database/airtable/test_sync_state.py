from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database.airtable.matching import RememberedIds
from hos_device_layer.database.airtable.sync_state import (
    SyncState,
    load_sync_state,
    save_sync_state,
)

STATE = SyncState(
    datetime(2026, 1, 1, tzinfo=timezone.utc),
    RememberedIds({'devices': 'tbl1'}, {'devices': {'device_type': 'fld1'}}),
    'ach1',
)


def test_what_is_stored_is_loaded(tmp_path: Path) -> None:
    save_sync_state(tmp_path, STATE)
    assert load_sync_state(tmp_path) == STATE


@pytest.mark.parametrize('content', [b'{', b'\xff', b'[]', b'{"memory": 5}'])
def test_an_unreadable_state_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / '.hos').mkdir()
    (tmp_path / '.hos' / 'airtable.json').write_bytes(content)
    assert load_sync_state(tmp_path) == SyncState()
    assert load_sync_state(tmp_path / 'nowhere') == SyncState()


def test_a_state_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatabaseError, match='cannot write'):
        save_sync_state(tmp_path / 'file', STATE)
