"""The reload request of `hos db pull --apply`."""

from __future__ import annotations

import sys

from std_srvs.srv import Trigger

from ..services import DEVICE_DB_RELOAD_SERVICE
from .ros_session import MANAGER_TIMEOUT_S, NO_MANAGER, ros_session

# Airtable may refuse the manager's requests for 30 s when its rate limit is reached [s].
_RELOAD_TIMEOUT_S = 120.0


def request_reload() -> int:
    """Reload the specification in the device manager and print its answer; returns exit code."""
    with ros_session() as session:
        client = session.node.create_client(Trigger, DEVICE_DB_RELOAD_SERVICE)
        if not session.spin_until(client.service_is_ready, MANAGER_TIMEOUT_S):
            print(NO_MANAGER, file=sys.stderr)
            return 2
        future = client.call_async(Trigger.Request())
        if not session.spin_until(future.done, _RELOAD_TIMEOUT_S):
            print(
                f'the device manager did not answer within {_RELOAD_TIMEOUT_S:g} s; see its log',
                file=sys.stderr,
            )
            return 2
        answer = future.result()
        print(answer.message)
        return 0 if answer.success else 2
