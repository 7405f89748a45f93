"""HTTP requests by one function call each: a thin layer over httpx."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from .errors import ClientError

TIMEOUT_S = 3.0
RETRY_DELAY_S = 0.5

# Larger than the answer of any device; reading a larger one is aborted.
MAX_BODY_BYTES = 16 * 1024 * 1024


class HttpError(ClientError, OSError):
    """A request got no usable answer; an answer with an error status does not raise it."""


@dataclass(frozen=True)
class Response:
    """An HTTP answer; the names in `header` are in lower case."""

    status: int
    header: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode('utf-8', 'replace')

    def json(self) -> Any:
        """Return the body decoded from JSON; raises HttpError if it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise HttpError(f'the answer is not valid JSON: {error}') from None


def request(
    method: str,
    url: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    auth: tuple[str, str] | None = None,
    timeout: float = TIMEOUT_S,
    retries: int = 0,
    retry_delay: float = RETRY_DELAY_S,
    ca_file: str = '',
) -> Response:
    """
    Send a request and return its answer.

    `auth` is a user name and a password. `timeout` [s] limits connecting and each wait for data.
    Without an answer the request is repeated up to `retries` times, `retry_delay` [s] apart.
    Certificates are verified, against `ca_file` if it is given. Raises HttpError.
    """
    sent = dict(headers or {})
    if json is not None:
        body = msgspec.json.encode(json)
        sent.setdefault('content-type', 'application/json')
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(retry_delay)
        try:
            return _send(method, url, query, sent, body, auth, timeout, ca_file)
        except (httpx.HTTPError, ssl.SSLError) as error:
            problem = f'{method} {_redacted(url)}: {type(error).__name__}: {error}'
        except (httpx.InvalidURL, httpx.StreamError) as error:
            raise HttpError(f'{method} {_redacted(url)}: {error}') from None
    raise HttpError(problem)


get = functools.partial(request, 'GET')
post = functools.partial(request, 'POST')
put = functools.partial(request, 'PUT')
delete = functools.partial(request, 'DELETE')
head = functools.partial(request, 'HEAD')


def _send(
    method: str,
    url: str,
    query: Mapping[str, Any] | None,
    headers: Mapping[str, str],
    body: bytes | str | None,
    auth: tuple[str, str] | None,
    timeout: float,
    ca_file: str,
) -> Response:
    with httpx.stream(
        method,
        url,
        params=query,
        headers=headers,
        content=body,
        auth=auth,
        timeout=timeout,
        verify=_ssl_context(ca_file),
    ) as response:
        received = bytearray()
        for piece in response.iter_bytes():
            received += piece
            if len(received) > MAX_BODY_BYTES:
                raise HttpError(
                    f'{method} {_redacted(url)}: the answer has more than {MAX_BODY_BYTES} bytes'
                )
        return Response(response.status_code, dict(response.headers), bytes(received))


@functools.lru_cache(maxsize=8)
def _ssl_context(ca_file: str) -> ssl.SSLContext:
    # Cached: reading the certificates takes longer than a request.
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise HttpError(f'cannot read the certificates in {ca_file!r}: {error}') from None


def _redacted(url: str) -> str:
    # The query and the user part may contain a secret.
    scheme, _, rest = url.partition('://')
    host_and_path = rest.partition('?')[0].rpartition('@')[2]
    return f'{scheme}://{host_and_path}'[:200]
