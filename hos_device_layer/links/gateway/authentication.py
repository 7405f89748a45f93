"""Authentication: who may connect, and with which access."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter

from aiohttp import web

from ...core.rosbridge import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access, AuthenticationBackoff
from ...core.rosbridge.origins import is_allowed_origin
from ...core.text import shortened
from ...source_tree import HOS
from .settings import GatewaySettings
from .tokens import TokenError, TokenFile

_log = logging.getLogger(__name__)


class Authenticator:
    """Checks handshakes and tokens. Addresses are logged, tokens never."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._tokens = TokenFile(settings.token_file) if settings.token_file else None
        self._backoff = AuthenticationBackoff()
        host = socket.gethostname().lower()
        self._own_names = frozenset({'localhost', host, f'{host}.local'})
        self._connected: Counter[str] = Counter()
        self._unauthenticated: Counter[str] = Counter()

    def admit(self, request: web.Request, now: float) -> Access | None:
        """Return the access of a peer, None until it sends a token; raises an HTTP error."""
        address = request.remote or ''
        origin = request.headers.get('Origin')
        if not is_allowed_origin(
            origin, request.host, self._settings.allowed_origins, self._own_names
        ):
            _log.warning('%s: refused a web page of the origin %s', address, shortened(origin))
            raise web.HTTPForbidden(
                text='pages of this origin are not allowed to connect; see the parameter '
                'gateway_allowed_origins\n'
            )
        if (
            self._connected[address] >= self._settings.max_connections_per_address
            or self._connected.total() >= self._settings.max_connections
        ):
            raise web.HTTPServiceUnavailable(text='too many connections\n')
        token = _token(request)
        if token is not None:
            return self._admit_token(token, address, now)
        if self._unauthenticated[address] >= self._settings.max_unauthenticated_per_address:
            raise web.HTTPTooManyRequests(text='too many peers without a token\n')
        return self._anonymous()

    def enter(self, address: str, access: Access | None) -> AdmittedConnection:
        """Count a connection that begins."""
        self._connected[address] += 1
        if access is None:
            self._unauthenticated[address] += 1
        return AdmittedConnection(self, address, access is None)

    def leave(self, admitted: AdmittedConnection) -> None:
        """Count a connection that has ended."""
        _count_down(self._connected, admitted.address)
        self.recognize(admitted)

    def recognize(self, admitted: AdmittedConnection) -> None:
        """Count a connection as authenticated, or as ended."""
        if admitted.is_unauthenticated:
            admitted.is_unauthenticated = False
            _count_down(self._unauthenticated, admitted.address)

    def authenticate(self, token: str, address: str, now: float) -> Access | None:
        """Return the access of a token; None if it is not valid, or its address has to wait."""
        if self._tokens is None or self._backoff.wait(address, now):
            return None
        try:
            access = self._tokens.authenticate(token)
        except TokenError as error:
            _log.error('%s', error)
            return None
        if access is None:
            self._backoff.failed(address, now)
            _log.warning('%s: wrong token', address)
        return access

    def is_revoked(self, access: Access) -> bool:
        """Return whether a valid token has been revoked or changed since."""
        if self._tokens is None or not access.is_authenticated:
            return False
        try:
            return all(record.access != access for record in self._tokens.records())
        except TokenError:
            return False

    def _admit_token(self, token: str, address: str, now: float) -> Access:
        if wait := self._backoff.wait(address, now):
            raise web.HTTPTooManyRequests(
                headers={'Retry-After': str(int(wait) + 1)},
                text='too many wrong tokens from this address\n',
            )
        access = self.authenticate(token, address, now)
        if access is None:
            raise web.HTTPUnauthorized(
                headers={'WWW-Authenticate': 'Bearer'},
                text=f'the token is not valid; create one with: {HOS} token add\n',
            )
        return access

    def _anonymous(self) -> Access | None:
        if self._settings.is_local:
            return LOCAL_ACCESS
        return ANONYMOUS_DEVICE_ACCESS if self._settings.allow_anonymous_devices else None


class AdmittedConnection:
    """A counted connection; `is_unauthenticated` until the peer has sent a valid token."""

    def __init__(
        self, authenticator: Authenticator, address: str, is_unauthenticated: bool
    ) -> None:
        self.address = address
        self.is_unauthenticated = is_unauthenticated
        self._authenticator = authenticator

    def authenticate(self, token: str) -> Access | None:
        """Return the access of a token, or None if it is not accepted."""
        now = asyncio.get_running_loop().time()
        access = self._authenticator.authenticate(token, self.address, now)
        if access is not None:
            self._authenticator.recognize(self)
        return access


def _token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get('Authorization', '').partition(' ')
    if scheme.lower() == 'bearer':
        return token.strip()
    return request.query.get('token')


def _count_down(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
