"""The device manager's specification: read at the start, then on request or when it changed."""

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

# A manager without a network soon goes on with the local copy.
_POLICY = RequestPolicy(attempts=2, connect_timeout_s=5.0)

# Without a timeout the events executor spins hot; the end is noticed when it returns [s].
_SPIN_S = 0.25

# How long the manager's own thread may take to go on with another specification [s].
_HANDOVER_S = 30.0


class SpecReloading:
    """
    Serves `haive_os/device_db/reload` and follows a base, both on a thread of its own.

    Airtable may take minutes to answer. Meanwhile the manager goes on; only the new specification
    is handed to its thread, where `go_on_with` is called. `spec` returns the present one.
    """

    def __init__(
        self,
        manager: Node,
        settings: ManagerSettings,
        spec: Callable[[], Spec],
        go_on_with: Callable[[Spec], None],
    ) -> None:
        self._manager = manager
        self._log = manager.get_logger()
        self._settings = settings
        self.source = _choose_source(settings)
        self._spec = spec
        self._go_on_with = go_on_with
        self._is_stopping = threading.Event()
        self._follower: Follower | None = None
        self._next_question = 0.0
        # A node of its own, since a node is spun by one thread.
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
        """Read a specification, an empty one if need be, and log its problems."""
        # Followed before the first reading, so that no change is missed between the two.
        self._follow()
        try:
            reading = self.source.read()
        except DatabaseError as error:
            self._log.error(f'{error}. Until then every device is unknown.')
            return Spec()
        if reading.warning:
            self._log.warning(reading.warning)
        spec, fleet = reading.spec, self._settings.fleet
        for problem in spec.problems:
            self._log.warning(f'specification: {problem}')
        if fleet not in spec.fleets:
            known = ', '.join(sorted(spec.fleets)) or 'none'
            self._log.error(
                f'there is no fleet {fleet!r} in {reading.origin}; the fleets are: {known}. '
                'Set the parameter fleet.'
            )
        return spec

    def start(self) -> None:
        """Begin to serve; the manager must be spun."""
        self._thread.start()

    def stop(self) -> None:
        """End it; what is being fetched is given up."""
        self._is_stopping.set()
        self._thread.join(2 * _SPIN_S)

    def reload(self) -> str:
        """Fetch a specification and go on with it; returns what changed. Raises DatabaseError."""
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
            self._log.warning(f'the base is not followed now: {error}')

    def _hand_over(self, spec: Spec) -> None:
        executor = self._manager.executor
        if executor is None:
            raise DatabaseError('the device manager is not running')
        done = threading.Event()

        def go_on() -> None:
            try:
                self._go_on_with(spec)
            finally:
                done.set()

        executor.create_task(guarded(self._manager, go_on))
        if not done.wait(_HANDOVER_S):
            raise DatabaseError('the device manager is too busy, or it is stopping')

    def _on_reload(self, _request: Any, response: Any) -> Any:
        try:
            response.message = self.reload()
            response.success = True
            self._log.info(f'specification {response.message}')
        except DatabaseError as error:
            response.message = f'the specification stays as it is: {error}'
            self._log.warning(response.message)
        return response

    def _run(self) -> None:
        executor = EventsExecutor(context=self._manager.context)
        executor.add_node(self._node)
        while not self._is_stopping.is_set() and self._manager.context.ok():
            executor.spin_once(timeout_sec=_SPIN_S)
            if self._follower is not None and time.monotonic() >= self._next_question:
                self._ask(self._follower)
                self._next_question = time.monotonic() + self._settings.follow_interval_s
        executor.shutdown()
        self._node.destroy_node()

    def _ask(self, follower: Follower) -> None:
        try:
            if follower.was_changed():
                self._log.info(f'specification {self.reload()}')
        except DatabaseError as error:
            self._log.warning(f'the base is not followed now: {error}')


def _choose_source(settings: ManagerSettings) -> SpecSource:
    copy = LocalCopy(settings.device_db_path)
    return AirtableSource(_open, copy) if settings.uses_airtable else LocalSource(copy)


def _open() -> Airtable:
    return open_airtable(policy=_POLICY)
