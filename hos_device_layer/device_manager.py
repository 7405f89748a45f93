"""The device manager: the ROS node that connects the specification, the devices and callers."""

from __future__ import annotations

if __name__ == '__main__':
    # Before the other imports, which take up to a second.
    from .exit_signals import exit_on_signals

    exit_on_signals()

import math
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from .core.dispatch.descriptions import DescriptionAnswer
from .core.dispatch.dispatcher import Dispatcher
from .core.dispatch.effects import (
    Answer,
    CallAnswer,
    CloseDevice,
    ConnectAnswer,
    DevicesAnswer,
    Effect,
    LogDropped,
    OpenDevice,
    PublishConnectionEvent,
    PublishResult,
    PublishSample,
    Reply,
    SendCommand,
    WithdrawCommand,
)
from .core.dispatch.events import (
    CallRequested,
    ConnectRequested,
    DescriptionRequested,
    DevicesRequested,
    Event,
    Paused,
    SendFailed,
    SpecReplaced,
    StopRequested,
    Tick,
)
from .core.errors import NamespaceTakenError
from .core.spec.digest import spec_digest
from .core.spec.fleet import fleet_of
from .core.spec.records import Spec
from .diagnostics import Diagnostics, FindingSource
from .gateway_opening import GatewayOpening
from .links import Link
from .links.gateway import Gateway, GatewaySettings
from .links.gateway.link import GATEWAY_LINK, GatewayLink, create_gateway
from .links.link import Publication
from .links.published_results import PublishedResults
from .links.ros import ROS_LINK, RosLink
from .manager_clock import ManagerClock
from .manager_log import ManagerLog
from .manager_status import ManagerStatus
from .parameters import PARAMETERS, declare_parameters, main_arguments
from .spec_reloading import SpecReloading
from .spinning import run_node
from .task_ids import TaskIds

NODE_NAME = 'device_manager'

# The longest delay before a timeout is noticed or a held command is sent [s].
_TICK_S = 0.05

# How long serving is put off for the status of another manager that DDS has discovered: on a busy
# machine it arrives up to a second later; one that was killed meanwhile never sends it [s].
_UNHEARD_S = 5.0

_STEADY = Clock(clock_type=ClockType.STEADY_TIME)

# Publishing faster than this overruns the buffers of the readers; DDS would resend the lost
# messages seconds later, after the manager has stopped.
_BURST = 50
_BURST_S = 0.004


class DeviceManager(Node):
    """
    Connects the devices of a fleet and runs API calls on them.

    Topics and services are listed in `topics` and `services`, parameters in `parameters`. Must be
    spun by one thread. It serves after it has made sure that no other device manager does in its
    namespace; otherwise it raises NamespaceTakenError, or `taken` is set if the other one runs on
    another computer. Raises ParameterError or TaskIdsError.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__(NODE_NAME, **node_options)
        self.settings = declare_parameters(self)
        self._task_ids = TaskIds(self.settings.state_folder)
        # Early, because another manager needs time to object.
        self._status = ManagerStatus(self, self.settings.fleet)
        self._time = ManagerClock(_TICK_S)
        self._serves_at = 0.0  # [s, steady]; 0 until the node is spun.
        self._log = ManagerLog(self.get_logger())
        self._performers: dict[type[Effect], Callable[[Any], None]] = {
            OpenDevice: self._open_device,
            CloseDevice: self._close_device,
            SendCommand: self._send_command,
            WithdrawCommand: self._withdraw_command,
            PublishResult: self._publish,
            PublishConnectionEvent: self._publish_connection_event,
            PublishSample: self._publish,
            LogDropped: self._log.dropped,
        }
        self._reloading = SpecReloading(
            self, self.settings, lambda: self.dispatcher.spec, self.replace_spec
        )
        self.dispatcher = Dispatcher(
            self._reloading.first_spec(),
            self.settings.fleet,
            self.settings.limits,
            self._task_ids,
            self._time.now(),
        )
        self._links: dict[str, Link] = {}
        self._published_results = PublishedResults()
        self._gateway_opening: GatewayOpening | None = None
        self._gateway: GatewayLink | None = None
        self.create_timer(_TICK_S, self._on_tick, clock=_STEADY)

    @property
    def taken(self) -> NamespaceTakenError | None:
        """Why this manager has to end; None as long as it may serve its namespace."""
        return self._status.taken

    def handle_event(self, link: str, event: Event) -> Reply | None:
        """
        Handle an event and perform its effects.

        Returns the answer to a request; for another event, why it was dropped, or None. `link` is
        the name of the link that reports the event, or '' if no link does.
        """
        try:
            effects = self.dispatcher.handle(event, self._time.now(), link)
        except Exception:
            # A request must be answered even if handling it fails.
            self.get_logger().error(traceback.format_exc())
            return _failed_answer(event)
        reply: Reply | None = None
        for effect in effects:
            if isinstance(effect, Answer):
                reply = effect
            else:
                self._perform(effect)
                if isinstance(effect, LogDropped) and reply is None:
                    reply = effect
        return reply

    def replace_spec(self, spec: Spec) -> None:
        """
        Use another specification; running tasks keep the definitions they started with.

        An exception means that it may be in use in part only.
        """
        self._perform_all(self.dispatcher.handle(SpecReplaced(spec), self._time.now()))
        self._status.serve(spec_digest(spec))
        self._offer_to_hosts()

    def stop(self) -> None:
        """End all running tasks, deliver their results and free all resources."""
        self._reloading.stop()
        if self._gateway_opening is not None:
            self._gateway_opening.stop()
        effects = self.dispatcher.handle(StopRequested(), self._time.now())
        for start in range(0, len(effects), _BURST):
            self._perform_all(effects[start : start + _BURST])
            time.sleep(_BURST_S)
        for link in reversed(self._links.values()):
            self._stop_link(link)
        self._status.close()

    def _stop_link(self, link: Link) -> None:
        try:
            link.stop()
        except Exception:
            # The other links must still be stopped.
            self.get_logger().error(traceback.format_exc())

    # Start

    def _serve(self) -> None:
        self._links[ROS_LINK] = RosLink(self, self.handle_event, self._published_results)
        sources: list[FindingSource] = [self._status.findings, self._reloading.findings]
        if self.settings.gateway is not None:
            self._gateway_opening = self._open_gateway(self.settings.gateway)
            sources.append(self._gateway_opening.findings)
        diagnostics = Diagnostics(self, self.dispatcher, *sources)
        self.create_timer(self.settings.diagnostics_period_s, diagnostics.publish, clock=_STEADY)
        self._reloading.start()
        self._status.serve(spec_digest(self.dispatcher.spec))
        count = len(self.dispatcher.devices)
        self.get_logger().info(f'fleet {self.settings.fleet!r}: {count} devices expected')

    def _open_gateway(self, settings: GatewaySettings) -> GatewayOpening:
        def opened(gateway: Gateway) -> None:
            link = GatewayLink(
                self,
                gateway,
                self.settings.expose_device_services,
                self._task_ids,
                self.settings.limits.command_accept_timeout_s,
                self._published_results,
            )
            self._gateway = self._links[GATEWAY_LINK] = link
            self._offer_to_hosts()
            self.get_logger().info(f'gateway: {settings.url(gateway.port)}')

        return GatewayOpening(
            self,
            settings.address,
            lambda: create_gateway(self, settings, self.handle_event),
            opened,
        )

    def _offer_to_hosts(self) -> None:
        if self._gateway is not None:
            fleet = fleet_of(self.dispatcher.spec, self.settings.fleet)
            self._gateway.offer_to_hosts(fleet, self.settings.handlers_path)

    def _on_first_tick(self) -> None:
        # The constructor hears no other manager while it reads the specification, and the time
        # that this takes must not count as a pause.
        self._time.begin()
        self._serves_at = self._time.now().steady + self.settings.claim_wait_s

    def _may_serve(self, horizon: float) -> bool:
        longest_s = 0.0 if self._status.has_heard_all() else _UNHEARD_S
        return not self.taken and self._serves_at + longest_s <= horizon

    def _on_tick(self) -> None:
        if not self._serves_at:
            self._on_first_tick()
        if pause_s := self._time.tick():
            self.handle_event('', Paused(pause_s))
        horizon = self._time.horizon()
        if self._serves_at < math.inf and self._may_serve(horizon):
            self._serves_at = math.inf
            self._serve()
        deadline = self.dispatcher.next_deadline()
        if deadline is not None and deadline <= horizon:
            self.handle_event('', Tick(horizon))
        for link in self._links.values():
            link.poll()
        self._status.poll()
        self._log.report_withheld()

    # Effects

    def _perform_all(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        try:
            self._performers[type(effect)](effect)
        except Exception as error:
            # If one effect fails, the others must still be performed.
            self.get_logger().error(traceback.format_exc())
            if isinstance(effect, SendCommand):
                failure = f'the command could not be sent: {error!r}'
                self.handle_event('', SendFailed(effect.command.cmd_id, failure))

    def _open_device(self, effect: OpenDevice) -> None:
        self._links[effect.link].open(effect.device, effect.serialized, effect.streams)

    def _close_device(self, effect: CloseDevice) -> None:
        self._links[effect.link].close(effect.uid)

    def _send_command(self, effect: SendCommand) -> None:
        self._links[effect.link].send(effect.command)

    def _withdraw_command(self, effect: WithdrawCommand) -> None:
        self._links[effect.link].withdraw(effect.uid, effect.cmd_id)

    def _publish_connection_event(self, effect: PublishConnectionEvent) -> None:
        self._log.connection_event(effect)
        self._publish(effect)

    def _publish(self, publication: Publication) -> None:
        for link in self._links.values():
            link.publish(publication)


def _failed_answer(event: Event) -> Reply:
    error = 'internal error of the device manager; see its log'
    match event:
        case ConnectRequested():
            return ConnectAnswer(False, error)
        case CallRequested():
            return CallAnswer(False, error)
        case DevicesRequested():
            return DevicesAnswer(())
        case DescriptionRequested():
            return DescriptionAnswer('')
    return LogDropped(error)


def main(arguments: list[str] | None = None) -> int:
    """Run the device manager until SIGINT or SIGTERM; returns the exit code."""
    return run_node(
        NODE_NAME,
        DeviceManager,
        main_arguments(arguments, PARAMETERS),
        at_end=DeviceManager.stop,
        why_end=lambda manager: manager.taken,
    )


if __name__ == '__main__':
    sys.exit(main())
