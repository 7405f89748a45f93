"""Supervises one device on its own thread: creates its driver and runs its actions in turn."""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from hos_device_layer.core.text import shortened

from .action_runs import ActionRun, RecentRuns
from .detected import DetectedDevice
from .driver import Action, Driver
from .errors import ActionError, DeviceUnavailableError

_log = logging.getLogger(__name__)

# Waiting actions of one device; more would time out before they start.
MAX_WAITING = 100

# The least time that a driver gets for an action that has waited long [s].
_MIN_ACTION_S = 0.1


class SupervisorEvents(Protocol):
    """The events of a supervisor; called on its threads."""

    def created(self, attempt: int, driver: type[Driver]) -> None:
        """Handle that the device has its driver."""

    def unsupported(self, attempt: int, reason: str) -> None:
        """Handle that no driver supports the device; the attempt has ended."""

    def unavailable(self, attempt: int, reason: str) -> None:
        """Handle that the device cannot be used now; the attempt has ended."""

    def ended(self, attempt: int) -> None:
        """Handle that a stopped attempt has ended."""

    def lost(self, attempt: int, reason: str) -> None:
        """Handle that the driver has lost its device."""


class Supervisor:
    """Handles a device from `start` to `stop`; a driver that blocks affects no other device."""

    def __init__(
        self,
        attempt: int,
        device: DetectedDevice,
        candidates: Sequence[type[Driver]],
        events: SupervisorEvents,
    ) -> None:
        self.attempt = attempt
        self.driver: Driver | None = None
        self._device = device
        self._candidates = candidates
        self._events = events
        self._queue: queue.SimpleQueue[ActionRun | None] = queue.SimpleQueue()
        self._recent = RecentRuns()
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._current: Action | None = None
        self._thread = threading.Thread(
            target=self._run, name=f'device {device.identifier}', daemon=True
        )

    def start(self) -> None:
        """Start the thread, which creates the driver."""
        self._thread.start()

    def stop(self, reason: str) -> None:
        """Fail all actions with the reason at once; `ended` follows when the driver is closed."""
        with self._lock:
            self._stop_reason = reason
            unfinished = self._recent.unfinished()
        for run in unfinished:
            run.fail(ActionError(f'{self._device.name}: {reason}'))
        self._queue.put(None)
        # On another thread, because an action may be blocking the supervisor's own.
        threading.Thread(target=self._release, name='release', daemon=True).start()

    def put(self, action: Action, deadline: float) -> ActionRun:
        """
        Queue an action and return its run, which has failed already if it was refused.

        The driver should finish it by `deadline`, a monotonic time [s].
        """
        with self._lock:
            waiting = len(self._recent.unfinished()) if self._queue.qsize() else 0
            run, is_new = self._recent.admit(action, deadline)
            if self._stop_reason is not None:
                run.fail(ActionError(f'{self._device.name}: {self._stop_reason}'))
            elif waiting >= MAX_WAITING:
                run.fail(
                    ActionError(f'{self._device.name}: {waiting} actions are waiting already')
                )
            elif is_new:
                self._queue.put(run)
        return run

    def expire(self, run: ActionRun) -> None:
        """Fail a run that is overdue, whether it is waiting or being performed."""
        current, action = self._current, run.action  # with its original timeout
        if current is not None and current.id == action.id:
            what = f'the driver did not finish within {action.timeout_s:g} s'
        elif current is not None:
            what = (
                f'not started within {action.timeout_s:g} s: the driver is busy with '
                f'{current.function_name!r}'
            )
        else:
            what = f'not started within {action.timeout_s:g} s'
        run.fail(ActionError(f'{self._device.name}: {what}'))

    def assign(self, device: DetectedDevice) -> None:
        """Tell the driver which device of the fleet it handles."""
        self._device = device
        if self.driver is not None:
            self.driver.device = device
            if device.row is not None:
                self.driver.device_type = device.row.device_type
                self.driver.device_name = device.row.device_id

    def _run(self) -> None:
        if not self._create_driver():
            return
        while (run := self._queue.get()) is not None:
            # A run that has already ended was expired while it waited.
            if not run.is_done:
                self._perform(run)

    def _create_driver(self) -> bool:
        problems: list[str] = []
        for candidate in self._candidates:
            try:
                if not candidate.supported(self._device):
                    continue
                driver = candidate(self._device.identifier, self._device)
            except DeviceUnavailableError as error:
                self._events.unavailable(self.attempt, str(error))
                return False
            except Exception as error:
                # Any exception of a driver is reported, and the next driver is tried.
                problem = f'{candidate.__name__} failed: {type(error).__name__}: {error}'
                _log.warning('%s: %s', self._device.name, problem, exc_info=True)
                problems.append(shortened(problem, 300))
                continue
            self.driver = driver
            self._events.created(self.attempt, candidate)
            return True
        self._events.unsupported(self.attempt, '; '.join(problems))
        return False

    def _perform(self, run: ActionRun) -> None:
        assert self.driver is not None
        left_s = max(_MIN_ACTION_S, run.deadline - time.monotonic())
        self._current = action = dataclasses.replace(run.action, timeout_s=left_s)
        try:
            run.succeed(self.driver.action(action))
        except DeviceUnavailableError as error:
            run.fail(error)
            self._events.lost(self.attempt, str(error))
        except Exception as error:
            # Any exception of a driver fails the action; the caller gets its text.
            _log.debug('%s failed', action.function_name, exc_info=True)
            run.fail(error)
        finally:
            self._current = None

    def _release(self) -> None:
        created = self.driver
        if created is not None:
            self._disconnect(created)
        self._thread.join()
        if self.driver is not None and self.driver is not created:
            # The driver was being created when the supervisor was stopped.
            self._disconnect(self.driver)
        self._events.ended(self.attempt)

    def _disconnect(self, driver: Driver) -> None:
        try:
            driver.disconnect()
        except Exception:
            _log.exception('%s: disconnect() of its driver raised an exception', self._device.name)
