"""Notice changes of a base by polling the payloads of a webhook; needs no public address."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from ...core.errors import DatabaseError
from .client import Airtable
from .requests import RejectedError
from .sync_state import load_sync_state, save_sync_state


class Follower:
    """
    Polls a base for changes. Every method may raise DatabaseError.

    Each poll is one call to Airtable, and a free plan has 1,000 calls a month.
    """

    def __init__(self, airtable: Airtable, folder: Path) -> None:
        self._airtable = airtable
        self._folder = folder
        self._webhook_id = ''
        self._cursor = 0

    def start(self) -> None:
        """Record changes from now on, with the previous webhook or a new one (1 or 2 calls)."""
        known = load_sync_state(self._folder).webhook_id
        for webhook in self._airtable.webhooks():
            if webhook.id == known and webhook.is_hook_enabled:
                self._webhook_id, self._cursor = webhook.id, webhook.cursor_for_next_payload
                return
        self._webhook_id, self._cursor = self._airtable.create_webhook(), 1
        state = load_sync_state(self._folder)
        # Without its id the next start creates another webhook; this one expires by itself.
        with contextlib.suppress(DatabaseError):
            save_sync_state(
                self._folder, msgspec.structs.replace(state, webhook_id=self._webhook_id)
            )

    def was_changed(self) -> bool:
        """Return whether the base changed since the last poll (mostly 1 call)."""
        if not self._webhook_id:
            self.start()
            return True
        try:
            return self._has_changes()
        except RejectedError:
            # The webhook expired, so changes may have been missed.
            self.start()
            return True

    def _has_changes(self) -> bool:
        was_changed = False
        while True:
            payloads = self._airtable.payloads(self._webhook_id, self._cursor)
            was_changed = was_changed or payloads.changes > 0
            self._cursor = payloads.cursor
            if not (payloads.has_more and payloads.changes):
                return was_changed
