"""A gateway address whose name server does not answer: the device manager serves meanwhile."""

from __future__ import annotations

import signal
from pathlib import Path

from manager_process import patched
from managers import ManagerStarter
from ros_peers import finish_at_once

# The resolver of the C library gives up after 5 to 30 s; this one never does.
SILENT_NAME_SERVER = """
import socket, threading
resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    if host == 'lab.example':
        print('asking the name server', flush=True)
        threading.Event().wait()
    return resolve(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
"""


def test_a_name_server_that_does_not_answer_holds_nobody_up(
    starter: ManagerStarter, tmp_path: Path
) -> None:
    manager = starter.start(
        gateway_address='lab.example', environment=patched(tmp_path, SILENT_NAME_SERVER)
    )
    manager.program.wait_for_output('asking the name server')
    device = manager.bench(finish_at_once)
    assert manager.caller.result(manager.caller.call(device.device_id, 'rest')).success
    manager.program.wait_for_output('waiting for the name server.*lab.example')
    manager.caller.wait_for(
        lambda: "to resolve 'lab.example'" in manager.caller.diagnostic().message
    )
    manager.program.stop(signal.SIGTERM)
