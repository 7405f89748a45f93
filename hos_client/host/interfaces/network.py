"""Interface for devices that announce themselves on the network by mDNS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from ..detected import Info
from ..interface import Interface

SERVICE_TYPE = '_hos-device._tcp.local.'

# How long to wait for the address of an announced device [ms].
_RESOLVE_MS = 3000

_MAX_UID = 2**32 - 1


class NetworkInterface(Interface):
    """
    Discovers devices that announce the service `_hos-device._tcp`.

    The service may have the properties `uid`; `path`, the path for commands (default /command);
    and `tls`, 1 for HTTPS. The fleet's `serial_info` may name the service or its host.
    """

    connection_type = 'network'
    _loop_delay = 1.0

    def __init__(self, open_zeroconf: Callable[[], Zeroconf] = Zeroconf) -> None:
        self._open_zeroconf = open_zeroconf
        self._zeroconf: Zeroconf | None = None
        self._names: set[str] = set()
        self._changed: set[str] = set()
        self._infos: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def get_devices(self) -> Mapping[str, Info]:
        """Return the announced devices by the name of their service."""
        if self._zeroconf is None:
            self._zeroconf = self._open_zeroconf()
            ServiceBrowser(self._zeroconf, SERVICE_TYPE, handlers=[self._handle_change])
        with self._lock:
            names, changed, self._changed = set(self._names), self._changed, set()
        for name in changed & names:
            # The browser knows the name only; the rest may need a query.
            found = self._zeroconf.get_service_info(SERVICE_TYPE, name, timeout=_RESOLVE_MS)
            if found is None:
                with self._lock:
                    self._changed.add(name)
            else:
                self._infos[name] = _info(found)
        self._infos = {name: info for name, info in self._infos.items() if name in names}
        return dict(self._infos)

    def close(self) -> None:
        """Stop browsing."""
        if self._zeroconf is not None:
            self._zeroconf.close()

    def _handle_change(
        self,
        zeroconf: Zeroconf,  # noqa: ARG002 (the browser's signature)
        service_type: str,  # noqa: ARG002
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        with self._lock:
            if state_change is ServiceStateChange.Removed:
                self._names.discard(name)
            else:
                self._names.add(name)
                self._changed.add(name)


def _info(found: ServiceInfo) -> dict[str, Any]:
    properties = {
        key.decode('utf-8', 'replace'): (value or b'').decode('utf-8', 'replace')
        for key, value in found.properties.items()
    }
    service = found.name.removesuffix('.' + SERVICE_TYPE)
    host = (found.server or '').rstrip('.')
    info: dict[str, Any] = {'names': tuple(name for name in (service, host) if name)}
    uid = properties.get('uid', '')
    if uid.isascii() and uid.isdigit() and int(uid) <= _MAX_UID:
        info['uid'] = int(uid)
    addresses = found.parsed_addresses()
    if addresses:
        scheme = 'https' if properties.get('tls') == '1' else 'http'
        address = f'[{addresses[0]}]' if ':' in addresses[0] else addresses[0]
        path = properties.get('path', '/command')
        path = path if path.startswith('/') else '/' + path
        info['url'] = f'{scheme}://{address}:{found.port}{path}'
    return info
