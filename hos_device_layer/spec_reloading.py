"""Reads the device manager's specification: at the start, on request, and after changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from .core.errors import DatabaseError
from .core.spec.diff import describe_changes, diff_specs
from .core.spec.records import Spec
from .database import LocalCopy
from .database.airtable.client import Airtable
from .database.airtable.follower import Follower
from .database.airtable.rate_limiter import RequestPolicy
from .database.source import AirtableSource, LocalSource, SpecSource, open_airtable
from .guarding import guarded
from .parameters import ManagerSettings
from .services import DEVICE_DB_RELOAD_SERVICE

# Without a network the manager must soon fall back to the local copy.
_POLICY = RequestPolicy(attempts=2, connect_timeout_s=5.0)

# The events executor busy-loops without a timeout; `stop` is noticed after each timeout [s].
_SPIN_S = 0.25

# How long the manager's thread may take to replace the specification [s].
_REPLACE_TIMEOUT_S = 30.0


_NOT_FOLLOWED = 'the Airtable base cannot be checked for changes'


class SpecReloading:
    """
    Serves `haive_os/device_db/reload` and follows an Airtable base, on a thread of its own.

    Airtable may take minutes to answer; the manager keeps running meanwhile. `replace_spec` is
    called with the new specification on the manager's thread. `spec` returns the current one.
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
        self._is_stopping = threading.Event()
        self._follower: Follower | None = None
        self._next_check = 0.0
        # A separate node, because a node can only be spun by one thread.
        self._node = Node(
            f'{manager.get_name()}_device_db',
            namespace=manager.get_namespace(),
            context=manager.context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._node.create_service(Trigger, DEVICE_DB_RELOAD_SERVICE, self._on_reload)
        self._thread = threading.Thread(target=self._run, name='device_db', daemon=True)

    def first_spec(self) -> Spec:
        """Read the specification and log its problems; it is empty if it cannot be read."""
        # Following starts before the first read, so that no change between the two is missed.
        self._follow()
        try:
            reading = self.source.read()
        except DatabaseError as error:
            self._log.error(f'{error}. Until a specification is loaded, every device is unknown.')
            return Spec()
        if reading.warning:
            self._log.warning(reading.warning)
        spec, fleet = reading.spec, self._settings.fleet
        for problem in spec.problems:
            self._log.warning(f'specification: {problem}')
        if fleet not in spec.fleets:
            known = ', '.join(sorted(spec.fleets)) or 'none'
            self._log.error(
                f'there is no fleet {fleet!r} in {reading.origin}; valid fleets: {known}. '
                'Set the parameter fleet.'
            )
        return spec

    def start(self) -> None:
        """Start the thread; the manager must be spun."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; a request to Airtable that is still running is abandoned."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * _SPIN_S)

    def reload(self) -> str:
        """Read the specification again, use it and return the changes; raises DatabaseError."""
        reading = self.source.read()
        changes = diff_specs(self._spec(), reading.spec)
        self._hand_over(reading.spec)
        text = f'from {reading.origin}: {describe_changes(changes)}'
        return f'{reading.warning}. {text}' if reading.warning else text

    def _follow(self) -> None:
        if not self._settings.uses_airtable or not self._settings.follow_interval_s:
            return
        try:
            self._follower = Follower(_open(), self._settings.device_db_path)
            self._follower.start()
        except DatabaseError as error:
            self._log.warning(f'{_NOT_FOLLOWED}: {error}')

    def _hand_over(self, spec: Spec) -> None:
        executor = self._manager.executor
        if executor is None:
            raise DatabaseError('the device manager is not running')
        done = threading.Event()

        def replace() -> None:
            try:
                self._replace_spec(spec)
            finally:
                done.set()

        executor.create_task(guarded(self._manager, replace))
        if not done.wait(_REPLACE_TIMEOUT_S):
            raise DatabaseError(
                f'the device manager did not use the new specification within '
                f'{_REPLACE_TIMEOUT_S:g} s; it is overloaded or stopping'
            )

    def _on_reload(self, _request: Any, response: Any) -> Any:
        try:
            response.message = self.reload()
            response.success = True
            self._log.info(f'specification {response.message}')
        except DatabaseError as error:
            response.message = f'the specification was not changed: {error}'
            self._log.warning(response.message)
        return response

    def _run(self) -> None:
        executor = EventsExecutor(context=self._manager.context)
        executor.add_node(self._node)
        while not self._is_stopping.is_set() and self._manager.context.ok():
            executor.spin_once(timeout_sec=_SPIN_S)
            if self._follower is not None and time.monotonic() >= self._next_check:
                self._reload_if_changed(self._follower)
                self._next_check = time.monotonic() + self._settings.follow_interval_s
        executor.shutdown()
        self._node.destroy_node()

    def _reload_if_changed(self, follower: Follower) -> None:
        try:
            if follower.was_changed():
                self._log.info(f'specification {self.reload()}')
        except DatabaseError as error:
            self._log.warning(f'{_NOT_FOLLOWED}: {error}')


def _choose_source(settings: ManagerSettings) -> SpecSource:
    copy = LocalCopy(settings.device_db_path)
    return AirtableSource(_open, copy) if settings.uses_airtable else LocalSource(copy)


def _open() -> Airtable:
    return open_airtable(policy=_POLICY)
