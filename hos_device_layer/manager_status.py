"""The status of the device manager, by which callers and other device managers recognize it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Sequence
from typing import Any

from hos_interfaces.msg import DeviceManagerStatus
from rclpy.node import Node

from .core.errors import NamespaceTakenError
from .core.health import Finding, Severity
from .core.namespace_claim import ManagerClaim, NamespaceClaim, namespace_taken
from .local_claim import LocalClaim, NameHeldError, local_process
from .qos import STATUS_QOS, STATUS_READER_QOS
from .topics import DEVICE_MANAGER_STATUS_TOPIC

# How long /diagnostics shows that another manager was refused [s].
_SHOWN_S = 60.0


class ManagerStatus:
    """
    Publishes the status of this manager, and compares it with those of others.

    The first status is published at once: it is this manager's claim on the namespace. `taken` is
    set when a manager on another computer is to serve it. Raises NamespaceTakenError if one on
    this computer does: discovery may take seconds, but the kernel answers at once.
    """

    def __init__(self, node: Node, fleet: str) -> None:
        self._log = node.get_logger()
        self._local_claim = _claim_locally(node)
        self._fleet = fleet
        self._spec_digest = ''
        self.taken: NamespaceTakenError | None = None
        self._refusal = ''
        self._refused_at = 0.0
        self.claim = NamespaceClaim(
            ManagerClaim(uuid.uuid4().hex, socket.gethostname(), os.getpid(), time.time()),
            node.get_namespace(),
        )
        self._node = node
        self._discovered: set[tuple[int, ...]] = set()
        self._heard = {self.claim.own.manager_id}
        node.create_subscription(
            DeviceManagerStatus, DEVICE_MANAGER_STATUS_TOPIC, self._on_status, STATUS_READER_QOS
        )
        self._publisher = node.create_publisher(
            DeviceManagerStatus, DEVICE_MANAGER_STATUS_TOPIC, STATUS_QOS
        )
        self._publish()

    def poll(self) -> None:
        """Report managers on this computer that had to end."""
        for pid in self._local_claim.refused():
            self._report(local_process(pid))

    def has_heard_all(self) -> bool:
        """Return whether each manager that DDS has discovered has sent its status."""
        publishers = self._node.get_publishers_info_by_topic(self._publisher.topic_name)
        self._discovered |= {tuple(publisher.endpoint_gid) for publisher in publishers}
        return len(self._discovered) <= len(self._heard)

    def findings(self) -> Sequence[Finding]:
        """Return that another manager was refused a short time ago."""
        if not self._refusal or time.monotonic() - self._refused_at > _SHOWN_S:
            return ()
        return (Finding(Severity.WARN, self._refusal),)

    def close(self) -> None:
        """Leave the namespace to others."""
        self._local_claim.close()

    def serve(self, spec_digest: str) -> None:
        """Publish that this manager serves, and which specification."""
        self.claim.serve()
        self._spec_digest = spec_digest
        self._publish()

    def _publish(self) -> None:
        own = self.claim.own
        self._publisher.publish(
            DeviceManagerStatus(
                manager_id=own.manager_id,
                host=own.host,
                pid=own.pid,
                is_serving=own.is_serving,
                start_time_s=own.start_time_s,
                fleet=self._fleet,
                spec_digest=self._spec_digest,
            )
        )

    def _on_status(self, message: Any) -> None:
        self._heard.add(message.manager_id)
        other = ManagerClaim(
            message.manager_id,
            message.host,
            message.pid,
            message.start_time_s,
            message.is_serving,
        )
        try:
            is_refused = self.claim.see(other)
        except NamespaceTakenError as error:
            self.taken = error
            return
        if is_refused:
            self._report(str(other))

    def _report(self, refused: str) -> None:
        self._refusal = (
            f'another device manager was started in this namespace and has to end: {refused}'
        )
        self._refused_at = time.monotonic()
        self._log.warning(self._refusal)


def _claim_locally(node: Node) -> LocalClaim:
    namespace = node.get_namespace()
    try:
        return LocalClaim(f'{node.context.get_domain_id()} {namespace}')
    except NameHeldError as error:
        raise namespace_taken(namespace, local_process(error.pid)) from None
