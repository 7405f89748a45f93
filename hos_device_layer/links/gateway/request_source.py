"""Where a request comes from: the address of its peer, a proxy on the way, a web page."""

from __future__ import annotations

import socket
from typing import NamedTuple

from aiohttp import hdrs, web

from ...core.rosbridge.origins import PageOrigin, host_names, is_own_host, page_origin
from ...core.rosbridge.peer_addresses import (
    forwarded_addresses,
    is_in,
    listed_addresses,
    peer_address,
)
from .settings import GatewaySettings

_X_FORWARDED_FOR = 'X-Forwarded-For'
_SEC_FETCH_SITE = 'Sec-Fetch-Site'

# Added by proxies; a program on this computer that is no proxy sends none of them.
_PROXY_HEADERS = (hdrs.FORWARDED, _X_FORWARDED_FOR, hdrs.VIA, 'X-Real-IP')


class RequestSource(NamedTuple):
    """
    Where a request comes from.

    `is_for_us` is False if the peer asked for a host name that is not one of the gateway, as the
    browser of a user does whom an attacker has led here (DNS rebinding).
    """

    address: str
    page: PageOrigin
    is_proxied: bool
    is_cross_site: bool
    is_for_us: bool

    @property
    def is_local_program(self) -> bool:
        """Whether a peer on this computer is a program of its user, or a page of the gateway."""
        return not self.is_proxied and (
            self.page is PageOrigin.OWN
            or (self.page is PageOrigin.NONE and not self.is_cross_site)
        )

    @property
    def is_page(self) -> bool:
        """Whether a browser sends the request for a web page."""
        return self.is_cross_site or self.page not in (PageOrigin.NONE, PageOrigin.FIRMWARE)


class RequestSources:
    """Reads the source of requests from their headers."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._origins = frozenset(settings.allowed_origins)
        self._proxies = settings.trusted_proxies
        host = socket.gethostname().lower()
        self._own_names = (
            frozenset({'localhost', host, f'{host}.local', settings.address.lower()})
            | {name.lower() for name in settings.allowed_hosts}
            | host_names(self._origins)
        ) - {''}

    def source(self, request: web.Request) -> RequestSource:
        """Return where a request comes from; raises HTTPBadRequest if that is ambiguous."""
        headers = request.headers
        # Not `request.host`, which asks a name server if the header is missing.
        host = headers.get(hdrs.HOST, '')
        address = self._address(request)
        return RequestSource(
            address,
            page_origin(headers.get(hdrs.ORIGIN), host, self._origins, self._own_names),
            is_in(request.remote or '', self._proxies)
            or any(name in headers for name in _PROXY_HEADERS),
            headers.get(_SEC_FETCH_SITE, 'none') in ('cross-site', 'same-site'),
            is_own_host(host, self._own_names),
        )

    def _address(self, request: web.Request) -> str:
        address = request.remote or ''
        if not is_in(address, self._proxies):
            return address
        forwarded = forwarded_addresses(request.headers.getall(hdrs.FORWARDED, ()))
        listed = listed_addresses(request.headers.getall(_X_FORWARDED_FOR, ()))
        if forwarded and listed:
            # Which of them the proxy has set, and which the peer has invented, is not known.
            raise web.HTTPBadRequest(
                text='expected one of the headers Forwarded and X-Forwarded-For, found both; let '
                'the proxy remove the one that it does not set\n'
            )
        return peer_address(address, forwarded or listed, self._proxies)
