"""Authentication: who may connect, and with which access."""

from __future__ import annotations

import logging
from collections import Counter

from aiohttp import web

from ...core.rosbridge import ANONYMOUS_DEVICE_ACCESS, LOCAL_ACCESS, Access
from ...core.rosbridge.close_reasons import TOKENS_UNAVAILABLE
from ...core.rosbridge.origins import PageOrigin
from ...core.rosbridge.peer_addresses import counted_address
from ...core.text import shortened
from ...source_tree import HOS
from .request_source import RequestSource, RequestSources
from .settings import GatewaySettings
from .tokens import TokenError, TokenFile

_log = logging.getLogger(__name__)


class Authenticator:
    """
    Checks requests and tokens. Addresses are logged, tokens never.

    A valid token is never refused because of others: its connections are counted by its name,
    those of peers without a token by their address.
    """

    def __init__(self, settings: GatewaySettings, max_connections: int) -> None:
        self._settings = settings
        self._max_connections = max_connections
        self._tokens = TokenFile(settings.token_file) if settings.token_file else None
        self._sources = RequestSources(settings)
        self._connected: Counter[str] = Counter()
        self._unauthenticated: Counter[str] = Counter()
        # What was logged about the token file, and still holds.
        self._reported: str | None = None

    def check(self, request: web.Request) -> None:
        """
        Raise an HTTP error if a web page may not send this request, whatever it asks for.

        Without a token, it must be for a name of the gateway. A page that an attacker has given
        the address of this computer has no token.
        """
        source = self._sources.source(request)
        if source.page is PageOrigin.FOREIGN:
            origin = shortened(request.headers['Origin'])
            _log.warning('%s: refused a web page of the origin %s', source.address, origin)
            raise web.HTTPForbidden(
                text='pages of this origin are not allowed to connect; see the parameter '
                'gateway_allowed_origins\n'
            )
        if not source.is_for_us and _token(request) is None:
            host = shortened(request.headers.get('Host', ''))
            _log.warning('%s: refused a request for the host name %s', source.address, host)
            raise web.HTTPMisdirectedRequest(
                text='expected the address or a name of the gateway in the header Host; to allow '
                'another name without a token, see the parameter gateway_allowed_hosts\n'
            )

    def admit(self, request: web.Request) -> AdmittedConnection:
        """Return a peer and its access, None until it sends a token; raises an HTTP error."""
        source = self._sources.source(request)
        token = _token(request)
        if token is not None:
            access: Access | None = self._admit_token(token, source.address)
        else:
            access = self._anonymous(source)
        admitted = AdmittedConnection(self, source.address, access)
        if (
            self._connected[admitted.key] >= self._settings.max_connections_per_address
            or self._connected.total() >= self._max_connections
        ):
            raise web.HTTPServiceUnavailable(text='too many connections\n')
        if access is None and self._is_crowded(admitted.key):
            raise web.HTTPTooManyRequests(text='too many peers without a token\n')
        return admitted

    def enter(self, admitted: AdmittedConnection) -> None:
        """Count a connection that begins."""
        self._connected[admitted.key] += 1
        if admitted.access is None:
            self._unauthenticated[admitted.key] += 1

    def leave(self, admitted: AdmittedConnection) -> None:
        """Count a connection that has ended."""
        _count_down(self._connected, admitted.key)
        if admitted.access is None:
            _count_down(self._unauthenticated, admitted.key)

    def authenticate(self, token: str, address: str) -> Access | None:
        """Return the access of a token, or None if it is not valid; raises TokenError."""
        access = self._tokens.authenticate(token) if self._tokens is not None else None
        self._reported = None
        if access is None:
            _log.warning('%s: wrong token', address)
        return access

    def accesses(self) -> frozenset[Access]:
        """Return what the bearers of all tokens may do; raises TokenError."""
        return self._tokens.accesses() if self._tokens is not None else frozenset()

    def report(self, error: TokenError, consequence: str) -> None:
        """Log, once, that the token file cannot be used."""
        text = f'{error}; {consequence}'
        if text != self._reported:
            self._reported = text
            _log.error('%s', text)

    def _is_crowded(self, key: str) -> bool:
        """Return whether too many peers have sent no token yet, in all or at one address."""
        return (
            self._unauthenticated[key] >= self._settings.max_unauthenticated_per_address
            or self._unauthenticated.total()
            >= min(self._settings.max_unauthenticated, max(1, self._max_connections // 2))
        )

    def _admit_token(self, token: str, address: str) -> Access:
        try:
            access = self.authenticate(token, address)
        except TokenError as error:
            self.report(error, 'tokens are not accepted')
            raise web.HTTPServiceUnavailable(
                text=f'{TOKENS_UNAVAILABLE.reason}; its log says why\n'
            ) from None
        if access is None:
            raise web.HTTPUnauthorized(
                headers={'WWW-Authenticate': 'Bearer'},
                text=f'the token is not valid; create one with: {HOS} token add\n',
            )
        return access

    def _anonymous(self, source: RequestSource) -> Access | None:
        settings = self._settings
        may_be_local = settings.is_local and not settings.require_token and not source.is_proxied
        if may_be_local and source.is_local_program:
            return LOCAL_ACCESS
        if source.is_page:
            return None
        if may_be_local or settings.allow_anonymous_devices:
            return ANONYMOUS_DEVICE_ACCESS
        return None


class AdmittedConnection:
    """A counted connection; `access` is None until the peer has sent a valid token."""

    def __init__(self, authenticator: Authenticator, address: str, access: Access | None) -> None:
        self.address = address
        self.access = access
        self._authenticator = authenticator

    @property
    def key(self) -> str:
        """Under which the connection is counted."""
        if self.access is not None and self.access.is_authenticated:
            return f'token {self.access.name}'
        return counted_address(self.address)

    def authenticate(self, token: str) -> Access | None:
        """Return the access of a token, or None if it is not valid; raises TokenError."""
        try:
            access = self._authenticator.authenticate(token, self.address)
        except TokenError as error:
            self._authenticator.report(error, 'tokens are not accepted')
            raise
        if access is not None:
            self._authenticator.leave(self)
            self.access = access
            self._authenticator.enter(self)
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
