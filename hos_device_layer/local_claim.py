"""A name that one process of a computer can hold at a time."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import struct

# struct ucred: pid, uid, gid; see SO_PEERCRED in unix(7).
_CREDENTIALS = struct.Struct('3i')

# The holder of a name may end between the attempts to take the name and to ask who holds it.
_ATTEMPTS = 10

# How many refused processes the holder learns of if it asks late; those that come after them do
# not learn its process id.
MAX_REFUSED = 100


class NameHeldError(OSError):
    """Another process holds the name; `pid` is its id, 0 if the kernel does not say."""

    def __init__(self, pid: int) -> None:
        super().__init__(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self.pid = pid


def local_process(pid: int) -> str:
    """Return how a message names a process of this computer; 0 if its id is not known."""
    return f'process {pid} on this computer' if pid else 'a process on this computer'


class LocalClaim:
    """
    Holds a name until it is closed or the process ends, however it ends.

    The name is the abstract address of a Unix socket, see unix(7): it leaves no file, and is
    visible to all users of the computer, and in no other network namespace, just like DDS on
    loopback. Raises NameHeldError.
    """

    def __init__(self, name: str) -> None:
        # An address has at most 107 bytes.
        address = '\0hos_device_layer/' + hashlib.sha256(name.encode()).hexdigest()
        for _ in range(_ATTEMPTS):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.bind(address)
            except OSError as error:
                self._socket.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                break
            if (pid := _holder(address)) is not None:
                raise NameHeldError(pid)
        else:
            raise NameHeldError(0)
        self._socket.listen(MAX_REFUSED)
        self._socket.setblocking(False)

    def refused(self) -> list[int]:
        """Return the ids (0: not known) of processes refused since the last call."""
        pids: list[int] = []
        with contextlib.suppress(BlockingIOError):
            while len(pids) < MAX_REFUSED:
                peer, _ = self._socket.accept()
                with peer:
                    pids.append(_peer_pid(peer))
        return pids

    def close(self) -> None:
        """Give the name up."""
        self._socket.close()


def _holder(address: str) -> int | None:
    """Return the process that holds an address, and let it know; None if it may not any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
        except BlockingIOError:
            # Too many refused processes wait for the holder to notice them.
            return 0
        except OSError:
            return None
        return _peer_pid(probe)


def _peer_pid(connected: socket.socket) -> int:
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    # 0 for a process of another container.
    pid: int = _CREDENTIALS.unpack(credentials)[0]
    return pid
