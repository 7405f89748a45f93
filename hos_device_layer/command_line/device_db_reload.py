"""Having the running device manager go on with the present specification."""

from __future__ import annotations

import sys

from std_srvs.srv import Trigger

from ..services import DEVICE_DB_RELOAD_SERVICE
from .ros_session import MANAGER_PATIENCE_S, NO_MANAGER, ros_session

# Airtable may lock the manager out for half a minute while it reads [s].
_PATIENCE_S = 120.0


def request_reload() -> int:
    """Ask for it and print what changed; returns the exit code."""
    with ros_session() as session:
        client = session.node.create_client(Trigger, DEVICE_DB_RELOAD_SERVICE)
        if not session.spin_until(client.service_is_ready, MANAGER_PATIENCE_S):
            print(NO_MANAGER, file=sys.stderr)
            return 2
        future = client.call_async(Trigger.Request())
        if not session.spin_until(future.done, _PATIENCE_S):
            print('the device manager does not answer', file=sys.stderr)
            return 2
        answer = future.result()
        print(answer.message)
        return 0 if answer.success else 2
