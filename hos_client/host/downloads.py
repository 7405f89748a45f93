"""Downloads from the device manager: the fleet, and the handlers of the site."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from hos_device_layer.core.archives import MAX_BYTES, ArchiveError, unpack
from hos_device_layer.core.errors import SpecError
from hos_device_layer.core.spec.fleet import Fleet, fleet_from_json

from .. import http
from ..settings import Settings
from .errors import HostError

_log = logging.getLogger(__name__)

_FLEET_FILE = 'fleet.json'
_HANDLERS_FILE = 'handlers.zip'
_HANDLERS_FOLDER = 'handlers-'


class DownloadError(HostError, OSError):
    """A download failed, or its content is invalid."""


class HostDownloads:
    """
    Files of the device manager, kept in `folder`, so that a host can start without it.

    Each is requested with its digest, so that only changed files are sent. Handlers are code:
    they are accepted only over an encrypted connection or from this machine.
    """

    def __init__(
        self, settings: Settings, folder: Path, allow_unencrypted_handlers: bool = False
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._allow_handlers = allow_unencrypted_handlers or _is_secure(settings.url)
        self._has_warned = False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def fleet(self) -> Fleet | None:
        """Return the fleet of the last download, None if there was none."""
        content = self._kept(_FLEET_FILE)
        if content is None:
            return None
        try:
            return fleet_from_json(content)
        except SpecError as error:
            _log.warning('%s: %s', self._folder / _FLEET_FILE, error)
            return None

    def handlers_folder(self) -> Path | None:
        """Return the folder with the handlers of the last download, None if there are none."""
        content = self._kept(_HANDLERS_FILE)
        if content is None or not self._allow_handlers:
            return None
        folder = self._folder / (_HANDLERS_FOLDER + _digest(content)[:16])
        try:
            if not folder.is_dir():
                self._unpack(content, folder)
        except (ArchiveError, OSError) as error:
            raise DownloadError(f'cannot unpack the handlers: {error}') from None
        return folder

    def refresh_fleet(self) -> bool:
        """Download the fleet if it has changed; returns whether it has. Raises DownloadError."""
        return self._refresh(_FLEET_FILE)

    def refresh_handlers(self) -> bool:
        """Download the handlers if they have changed; returns whether they have."""
        if self._allow_handlers:
            return self._refresh(_HANDLERS_FILE)
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                'handlers are not downloaded from %s: the connection is not encrypted. Use '
                'wss://, or --allow-unencrypted-handlers on a network that you trust',
                self._settings.url,
            )
        return False

    def _refresh(self, name: str) -> bool:
        kept = self._kept(name)
        headers = {} if kept is None else {'If-None-Match': f'"{_digest(kept)}"'}
        if self._settings.token:
            headers['Authorization'] = f'Bearer {self._settings.token}'
        # ws: becomes http:, wss: becomes https:.
        url = 'http' + self._settings.url.removeprefix('ws').rstrip('/') + '/host/' + name
        try:
            answer = http.get(url, headers=headers, ca_file=self._settings.ca_file)
        except http.HttpError as error:
            raise DownloadError(str(error)) from None
        if answer.status == 304:
            return False
        if answer.status != 200:
            raise DownloadError(
                f'{name}: the gateway answered with status {answer.status}: {answer.text[:200]}'
            )
        self._keep(name, answer)
        return True

    def _keep(self, name: str, answer: http.Response) -> None:
        if answer.header.get('etag') != f'"{_digest(answer.body)}"':
            raise DownloadError(f'{name} does not match the digest that the gateway sent')
        try:
            # Validated before it replaces the file of the last download.
            unpack(answer.body) if name == _HANDLERS_FILE else fleet_from_json(answer.body)
        except (ArchiveError, SpecError) as error:
            raise DownloadError(f'{name} is invalid: {error}') from None
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, 'wb') as file:
            file.write(answer.body)
        Path(temporary).replace(self._folder / name)

    def _kept(self, name: str) -> bytes | None:
        path = self._folder / name
        if not path.is_file() or path.stat().st_size > 4 * MAX_BYTES:
            return None
        return path.read_bytes()

    def _unpack(self, content: bytes, folder: Path) -> None:
        files = unpack(content)
        temporary = Path(tempfile.mkdtemp(dir=self._folder))
        for path, text in files.items():
            target = temporary / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        temporary.rename(folder)
        for other in self._folder.glob(_HANDLERS_FOLDER + '*'):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)


def _is_secure(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == 'wss' or parts.hostname == 'localhost':
        return True
    try:
        return ipaddress.ip_address(parts.hostname or '').is_loopback
    except ValueError:
        return False


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
