"""Whether a base was changed, asked of a webhook's list: no public address is needed for that."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .client import Airtable
from .requests import RejectedError
from .sync_state import load_sync_state, save_sync_state


class Follower:
    """
    Asks for changes of a base. Every method may raise DatabaseError.

    Each question is one call, and a free plan has 1,000 of them a month: ask only when told to.
    """

    def __init__(self, airtable: Airtable, folder: Path) -> None:
        self._airtable = airtable
        self._folder = folder
        self._webhook_id = ''
        self._cursor = 0

    def start(self) -> None:
        """Note changes from now on: with the webhook of last time, or a new one (two calls)."""
        known = load_sync_state(self._folder).webhook_id
        for webhook in self._airtable.webhooks():
            if webhook.id == known and webhook.is_hook_enabled:
                self._webhook_id, self._cursor = webhook.id, webhook.cursor_for_next_payload
                return
        self._webhook_id, self._cursor = self._airtable.create_webhook(), 1
        state = load_sync_state(self._folder)
        save_sync_state(self._folder, msgspec.structs.replace(state, webhook_id=self._webhook_id))

    def was_changed(self) -> bool:
        """Tell whether the base was changed since the last question (one call, mostly)."""
        if not self._webhook_id:
            self.start()
            return True
        try:
            return self._has_news()
        except RejectedError:
            # It expired: what was changed meanwhile is unknown.
            self.start()
            return True

    def _has_news(self) -> bool:
        was_changed = False
        while True:
            payloads = self._airtable.payloads(self._webhook_id, self._cursor)
            was_changed = was_changed or payloads.changes > 0
            self._cursor = payloads.cursor
            if not (payloads.has_more and payloads.changes):
                return was_changed
