"""Compares the specification of generated functions with that of the device manager."""

from __future__ import annotations

from typing import Any, Protocol


class WarningLog(Protocol):
    """What warnings are logged to, such as the logger of a node."""

    def warning(self, message: str) -> object: ...


class SpecDigests:
    """Warns once per manager if functions were generated from another specification."""

    def __init__(self, log: WarningLog) -> None:
        self._log = log
        self._expected: set[str] = set()
        self._warned: set[str] = set()

    def expect(self, digest: str, status: Any) -> None:
        """Add the digest of the specification that a function was generated from, if known."""
        if digest and digest not in self._expected:
            self._expected.add(digest)
            self.compare(status)

    def compare(self, status: Any) -> None:
        """Compare the expected digests with the status of a manager, None while it is unknown."""
        if status is None or not status.spec_digest or status.manager_id in self._warned:
            return
        if self._expected - {status.spec_digest}:
            self._warned.add(status.manager_id)
            self._log.warning(
                'the generated functions differ from the specification of the device manager '
                f'(fleet {status.fleet!r}); to update them, run: hos generate'
            )
