"""The files that hosts download over HTTP: the fleet and the handlers."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from aiohttp import hdrs, web

from ...core.archives import ArchiveError, pack
from ...core.rosbridge import Access
from ...source_tree import HOS

_log = logging.getLogger(__name__)

DOWNLOAD_PATH = '/host/'
FLEET_FILE = 'fleet.json'
HANDLERS_FILE = 'handlers.zip'

Admit = Callable[[web.Request], Access | None]


class HostFiles:
    """
    The files that admitted peers can download, by name; may be used from any thread.

    The ETag of a file is the SHA-256 of its content; a client that already has it receives 304.
    """

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._folders: dict[str, Path] = {}

    def offer(self, name: str, content: bytes) -> None:
        """Offer a file from now on."""
        self._files[name] = content

    def offer_folder(self, name: str, folder: Path) -> None:
        """Offer the Python files of a folder as an archive, made at each download."""
        self._folders[name] = folder

    def add_to(self, application: web.Application, admit: Admit) -> None:
        """Serve the files; `admit` returns the access of a peer or raises an HTTP error."""

        async def handle(request: web.Request) -> web.Response:
            if admit(request) is None:
                raise web.HTTPUnauthorized(
                    headers={hdrs.WWW_AUTHENTICATE: 'Bearer'},
                    text=f'a token is required; create one with: {HOS} token add\n',
                )
            content = await self._content(request.match_info['name'])
            etag = f'"{digest(content)}"'
            headers = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: 'no-cache'}
            if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
                return web.Response(status=304, headers=headers)
            return web.Response(
                body=content, headers=headers, content_type='application/octet-stream'
            )

        application.router.add_get(DOWNLOAD_PATH + '{name}', handle)

    async def _content(self, name: str) -> bytes:
        if name in self._files:
            return self._files[name]
        if name not in self._folders:
            raise web.HTTPNotFound(text='no such file\n')
        try:
            return await asyncio.to_thread(pack_folder, self._folders[name])
        except (OSError, ArchiveError) as error:
            _log.error('the folder %s cannot be offered: %s', self._folders[name], error)
            raise web.HTTPServiceUnavailable(text='the folder cannot be read\n') from None


def digest(content: bytes) -> str:
    """Return the SHA-256 of a content, for its ETag."""
    return hashlib.sha256(content).hexdigest()


def pack_folder(folder: Path) -> bytes:
    """Pack the handlers of a folder: its Python files, except hidden ones."""
    paths = [path for kind in ('interfaces', 'drivers') for path in (folder / kind).glob('*.py')]
    return pack(
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in paths
            if path.is_file() and not path.name.startswith('.')
        }
    )
