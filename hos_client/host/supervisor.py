"""A device's own thread: makes its driver and carries out its actions, one at a time."""

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

# Actions that wait for one device; more would only time out.
MAX_WAITING = 100

# What a driver gets at least for an action that has waited long [s].
_LEAST_S = 0.1


class SupervisorEvents(Protocol):
    """What a worker tells; called on its threads."""

    def created(self, attempt: int, driver: type[Driver]) -> None: ...
    def unsupported(self, attempt: int, reason: str) -> None: ...
    def unavailable(self, attempt: int, reason: str) -> None: ...
    def ended(self, attempt: int) -> None: ...
    def lost(self, attempt: int, reason: str) -> None: ...


class Supervisor:
    """Handles a device from `start` to `stop`; a driver that blocks holds up nobody else."""

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
        self._runs: queue.SimpleQueue[ActionRun | None] = queue.SimpleQueue()
        self._memory = RecentRuns()
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._current: Action | None = None
        self._thread = threading.Thread(
            target=self._run, name=f'device {device.identifier}', daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self, reason: str) -> None:
        """End it: actions fail with the reason now, `ended` follows when the driver let go."""
        with self._lock:
            self._stop_reason = reason
            unfinished = self._memory.unfinished()
        for run in unfinished:
            run.fail(ActionError(f'{self._device.name}: {reason}'))
        self._runs.put(None)
        # Not on the worker's own thread: that may be held by the action that is to be ended.
        threading.Thread(target=self._release, name='release', daemon=True).start()

    def put(self, action: Action, deadline: float) -> ActionRun:
        """
        Let an action be carried out; returns its job, which may have failed at once.

        At `deadline`, a monotonic time [s], the driver should have ended it.
        """
        with self._lock:
            waiting = len(self._memory.unfinished()) if self._runs.qsize() else 0
            run, is_new = self._memory.admit(action, deadline)
            if self._stop_reason is not None:
                run.fail(ActionError(f'{self._device.name}: {self._stop_reason}'))
            elif waiting >= MAX_WAITING:
                run.fail(ActionError(f'{self._device.name}: {waiting} actions wait already'))
            elif is_new:
                self._runs.put(run)
        return run

    def expire(self, run: ActionRun) -> None:
        """End a job whose time is over, wherever it is."""
        current, action = self._current, run.action  # with the time that it had from the start
        if current is not None and current.id == action.id:
            what = f'the driver has not finished in {action.timeout_s:g} s'
        elif current is not None:
            what = f'not begun in {action.timeout_s:g} s: busy with {current.function_name!r}'
        else:
            what = f'not begun in {action.timeout_s:g} s'
        run.fail(ActionError(f'{self._device.name}: {what}'))

    def assign(self, device: DetectedDevice) -> None:
        """Let the driver know which device of the fleet it has."""
        self._device = device
        if self.driver is not None:
            self.driver.device = device
            if device.row is not None:
                self.driver.device_type = device.row.device_type
                self.driver.device_name = device.row.device_id

    def _run(self) -> None:
        if not self._make_driver():
            return
        while (run := self._runs.get()) is not None:
            # One that has ended was given up while it waited.
            if not run.is_done:
                self._carry_out(run)

    def _make_driver(self) -> bool:
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
                # Whatever a handler does, it is reported and left out; the next is asked.
                problem = f'{candidate.__name__} failed: {type(error).__name__}: {error}'
                _log.warning('%s: %s', self._device.name, problem, exc_info=True)
                problems.append(shortened(problem, 300))
                continue
            self.driver = driver
            self._events.created(self.attempt, candidate)
            return True
        self._events.unsupported(self.attempt, '; '.join(problems))
        return False

    def _carry_out(self, run: ActionRun) -> None:
        assert self.driver is not None
        left_s = max(_LEAST_S, run.deadline - time.monotonic())
        self._current = action = dataclasses.replace(run.action, timeout_s=left_s)
        try:
            run.succeed(self.driver.action(action))
        except DeviceUnavailableError as error:
            run.fail(error)
            self._events.lost(self.attempt, str(error))
        except Exception as error:
            # Whatever a driver raises is the action's failure, for the caller to see.
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
            # It was in its making when the end came.
            self._disconnect(self.driver)
        self._events.ended(self.attempt)

    def _disconnect(self, driver: Driver) -> None:
        try:
            driver.disconnect()
        except Exception:
            _log.exception('%s: disconnect of its driver failed', self._device.name)
