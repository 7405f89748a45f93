"""Reads the device manager's specification: at the start, on request, and after changes."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rclpy.node import Node
from std_srvs.srv import Trigger

from .core.errors import DatabaseError
from .core.health import Finding, Severity, spec_findings
from .core.spec.diff import describe_changes, diff_specs
from .core.spec.records import Spec
from .database import LocalCopy
from .database.airtable.client import Airtable
from .database.airtable.follower import Follower
from .database.airtable.rate_limiter import RequestPolicy
from .database.source import AirtableSource, LocalSource, Snapshot, SpecSource, open_airtable
from .guarding import guarded
from .links.ros.deferred_service import DeferredResponse, DeferredService
from .parameters import ManagerSettings
from .services import DEVICE_DB_RELOAD_SERVICE

# A request to reload shall be answered, with the local copy if need be, while somebody waits.
# A silent Airtable is given up after 41 s.
_POLICY = RequestPolicy(attempts=2, connect_timeout_s=5.0, read_timeout_s=20.0)

# How often the thread looks whether the manager stops while it hands a specification over [s].
_CHECK_S = 0.25

# How long `stop` waits for the thread, which may be waiting for Airtable [s].
_STOP_TIMEOUT_S = 0.25

_NOT_FOLLOWED = 'the Airtable base cannot be checked for changes'
_READ_AGAIN = f'To read it again, call the service {DEVICE_DB_RELOAD_SERVICE}'

_Requests = Sequence[DeferredResponse]


class SpecReloading:
    """
    Reads the specification and serves `haive_os/device_db/reload`.

    What takes time is done on a thread of its own: Airtable may need minutes to answer, and the
    manager works with the local copy meanwhile. `replace_spec` is called with each specification
    on the manager's thread; `spec` returns the current one there.

    A request to reload is answered by the first read that begins after it, together with all that
    wait then; or by the one that is running, if that fails.
    """

    def __init__(
        self,
        manager: Node,
        settings: ManagerSettings,
        spec: Callable[[], Spec],
        replace_spec: Callable[[Spec], None],
    ) -> None:
        self._manager = manager
        self._log = manager.get_logger()
        self._settings = settings
        self.source = _choose_source(settings)
        self._spec = spec
        self._replace_spec = replace_spec
        self._origin = 'no specification'
        # Since when the thread waits for Airtable [s, monotonic].
        self._waits_since: float | None = None
        self._requests: queue.SimpleQueue[DeferredResponse | None] = queue.SimpleQueue()
        self._is_stopping = threading.Event()
        self._follower: Follower | None = None
        self._next_check = 0.0
        self._of_source: Finding | None = None
        self._of_following: Finding | None = None
        self._service: DeferredService | None = None
        self._thread = threading.Thread(target=self._run, name='device_db', daemon=True)

    def first_spec(self) -> Spec:
        """Return the specification that is there without the network; it may be empty."""
        try:
            snapshot = self.source.read_copy()
        except DatabaseError as error:
            self._begin_without(error)
            return Spec()
        self._origin = snapshot.origin
        if self._settings.uses_airtable:
            self._begin_waiting(f'using {snapshot.origin}')
        self._log_spec(snapshot.spec)
        return snapshot.spec

    def start(self) -> None:
        """Serve requests, and begin to read Airtable; the manager must be spun."""
        self._service = DeferredService(
            self._manager, Trigger, DEVICE_DB_RELOAD_SERVICE, self._on_reload
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; a request to Airtable that is still running is abandoned."""
        self._is_stopping.set()
        self._requests.put(None)
        if self._service is not None:
            text = 'the device manager is stopping'
            self._service.answer_all(lambda message: _fill(message, False, text))
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    def findings(self) -> list[Finding]:
        """Return why another specification is running than the one that was asked for."""
        return [finding for finding in (self._of_source, self._of_following) if finding]

    # On the manager's thread

    def _begin_without(self, error: DatabaseError) -> None:
        if self._settings.uses_airtable:
            self._begin_waiting(f'every device is unknown, because {error}')
            return
        self._of_source = Finding(Severity.ERROR, str(error))
        self._log.error(f'{error}. Until a specification is loaded, every device is unknown.')

    def _begin_waiting(self, meanwhile: str) -> None:
        text = f'reading the specification from Airtable; until then, {meanwhile}'
        self._of_source = Finding(Severity.WARN, text)
        self._log.info(text)

    def _log_spec(self, spec: Spec) -> None:
        for problem in spec.problems:
            self._log.warning(f'specification: {problem}')
        self._log_missing_fleet(spec)

    def _log_missing_fleet(self, spec: Spec) -> None:
        for finding in spec_findings(spec, self._settings.fleet):
            if finding.severity is Severity.ERROR:
                self._log.error(f'{finding.text}.')

    def _on_reload(self, _request: Any, response: DeferredResponse) -> None:
        self._requests.put(response)
        since = self._waits_since
        if since is not None:
            self._log.info(
                'a request to reload waits for Airtable, which has not answered yet for '
                f'{time.monotonic() - since:.0f} s; at most one more read follows'
            )

    def _apply(self, snapshot: Snapshot, changes: str, requests: _Requests) -> None:
        try:
            self._replace_spec(snapshot.spec)
        except Exception as error:
            self._log.error(traceback.format_exc())
            text = (
                f'the specification from {snapshot.origin} could not be applied completely: '
                f'{error!r}; see the log of the device manager, and start it again'
            )
            self._of_source = Finding(Severity.ERROR, text)
            self._answer(requests, False, text)
            return
        self._origin = snapshot.origin
        warning = snapshot.warning
        self._of_source = Finding(Severity.WARN, f'{warning}. {_READ_AGAIN}') if warning else None
        self._answer(requests, not snapshot.is_fallback, _describe(snapshot, changes))
        self._log_missing_fleet(snapshot.spec)

    def _keep(self, error: str, requests: _Requests) -> None:
        text = f'the specification was not changed: {error}; still running: {self._origin}'
        self._of_source = Finding(Severity.WARN, f'{text}. {_READ_AGAIN}')
        self._answer(requests, False, text)

    def _answer(self, requests: _Requests, success: bool, text: str) -> None:
        if self._of_source is None:
            self._log.info(f'specification {text}')
        else:
            self._log.warning(text)
        for request in requests:
            _fill(request.message, success, text)
            request.send()

    # On the thread `device_db`

    def _run(self) -> None:
        if self._settings.uses_airtable:
            # Following starts before the first read, so that no change between the two is missed.
            with self._waiting():
                self._follow()
            self._reload([])
        while not self._is_stopping.is_set():
            requests = self._next_requests()
            if requests or self._was_changed():
                self._reload(requests)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        if not self._settings.uses_airtable:
            yield
            return
        self._waits_since = time.monotonic()
        try:
            yield
        finally:
            self._waits_since = None

    def _follow(self) -> None:
        if not self._settings.follow_interval_s:
            return
        try:
            self._follower = Follower(_open(), self._settings.device_db_path)
            self._follower.start()
        except DatabaseError as error:
            self._warn_not_followed(error)
        self._next_check = time.monotonic() + self._settings.follow_interval_s

    def _next_requests(self) -> list[DeferredResponse]:
        """Wait for requests to reload; returns none when the base is to be checked for changes."""
        timeout_s = None
        if self._follower is not None:
            timeout_s = max(0.0, self._next_check - time.monotonic())
        try:
            request = self._requests.get(timeout=timeout_s)
        except queue.Empty:
            return []
        return [] if request is None else [request]

    def _waiting_requests(self) -> list[DeferredResponse]:
        requests = []
        with contextlib.suppress(queue.Empty):
            while True:
                requests.append(self._requests.get_nowait())
        return [request for request in requests if request is not None]

    def _was_changed(self) -> bool:
        if self._follower is None or time.monotonic() < self._next_check:
            return False
        self._next_check = time.monotonic() + self._settings.follow_interval_s
        try:
            with self._waiting():
                was_changed = self._follower.was_changed()
        except DatabaseError as error:
            self._warn_not_followed(error)
            return False
        self._of_following = None
        return was_changed

    def _warn_not_followed(self, error: DatabaseError) -> None:
        finding = Finding(Severity.WARN, f'{_NOT_FOLLOWED}: {error}')
        if finding != self._of_following:
            self._of_following = finding
            self._log.warning(finding.text)

    def _reload(self, asked: _Requests) -> None:
        """Read the specification and hand it over to the manager, or the reason why it cannot."""
        requests = [*asked, *self._waiting_requests()]
        try:
            snapshot = self._read(requests)
            changes = self._changes(snapshot.spec)
        except DatabaseError as error:
            reason = str(error)
            self._hand_over(lambda: self._keep(reason, requests))
        except Exception as error:
            # Every request must be answered, and the next one be served.
            self._log.error(traceback.format_exc())
            reason = f'{error!r}; see the log of the device manager'
            self._hand_over(lambda: self._keep(reason, requests))
        else:
            self._hand_over(lambda: self._apply(snapshot, changes, requests))

    def _read(self, requests: list[DeferredResponse]) -> Snapshot:
        """Read the source; if that fails, add the requests that have come during the read."""
        has_failed = True
        try:
            with self._waiting():
                snapshot = self.source.read()
            has_failed = snapshot.is_fallback
        finally:
            # They would wait as long again, most likely for the same reason. A local copy that
            # cannot be read may have been mended since.
            if has_failed and self._settings.uses_airtable:
                requests += self._waiting_requests()
        return snapshot

    def _changes(self, spec: Spec) -> str:
        before = self._spec()
        if before != Spec():
            return describe_changes(diff_specs(before, spec))
        for problem in spec.problems:
            self._log.warning(f'specification: {problem}')
        fleet = self._settings.fleet
        return f'fleet {fleet!r}: {len(spec.fleets.get(fleet, ()))} devices expected'

    def _hand_over(self, work: Callable[[], None]) -> None:
        """
        Run something on the manager's thread, and wait until it has run or the manager stops.

        There is no time limit: what is waited for happens, however late, unless the manager stops.
        """
        executor = self._manager.executor
        if executor is None:
            return
        done = threading.Event()

        def run() -> None:
            try:
                # `stop` has answered the requests.
                if not self._is_stopping.is_set():
                    work()
            finally:
                done.set()

        executor.create_task(guarded(self._manager, run))
        while not done.wait(_CHECK_S) and not self._is_stopping.is_set():
            pass


def _describe(snapshot: Snapshot, changes: str) -> str:
    if snapshot.is_fallback:
        return f'{snapshot.warning}: {changes}'
    text = f'from {snapshot.origin}: {changes}'
    return f'{text}. {snapshot.warning}' if snapshot.warning else text


def _fill(message: Any, success: bool, text: str) -> None:
    message.success, message.message = success, text


def _choose_source(settings: ManagerSettings) -> SpecSource:
    copy = LocalCopy(settings.device_db_path)
    return AirtableSource(_open, copy) if settings.uses_airtable else LocalSource(copy)


def _open() -> Airtable:
    return open_airtable(policy=_POLICY)
