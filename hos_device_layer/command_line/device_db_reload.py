"""The reload request of `hos db reload` and `hos db pull --apply`."""

from __future__ import annotations

import argparse
import sys

from std_srvs.srv import Trigger

from ..core.errors import HosError
from ..services import DEVICE_DB_RELOAD_SERVICE
from .ros_session import ros_session

# Airtable may refuse the manager's requests for 30 s when its rate limit is reached [s].
_RELOAD_TIMEOUT_S = 120.0


def request_reload(arguments: argparse.Namespace) -> int:
    """Reload the specification in the device manager and print its answer; returns exit code."""
    try:
        with ros_session(arguments) as session:
            answer = session.ask(
                Trigger,
                DEVICE_DB_RELOAD_SERVICE,
                Trigger.Request(),
                _RELOAD_TIMEOUT_S,
                retry_s=_RELOAD_TIMEOUT_S,
            )
    except HosError as error:
        print(error, file=sys.stderr)
        return 2
    print(answer.message)
    return 0 if answer.success else 2
