"""
Requests to Airtable and their failures; the only module that uses pyairtable.

A failure is raised as DatabaseError, which says what to do and contains no secret. The retries of
pyairtable are off: they repeat a write whose answer was lost, and end long before a lockout does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from ...core.errors import DatabaseError
from ...core.text import shortened
from ...source_tree import HOS
from .credentials import Credentials
from .rate_limiter import RateLimiter

_MONTHLY_LIMIT = 'PUBLIC_API_BILLING_LIMIT_EXCEEDED'

# Enough of Airtable's message to look the error up.
_SHOWN_ERROR = 300


class LostAnswerError(DatabaseError):
    """It is unknown whether a write was done: look before writing again."""


class RejectedError(DatabaseError):
    """Airtable rejected a request; `type` is Airtable's name for the reason."""

    def __init__(self, text: str, type: str) -> None:  # noqa: A002 (Airtable's word)
        super().__init__(text)
        self.type = type


class _Failure(NamedTuple):
    error: DatabaseError
    # A request that may have been done is repeated only if it is idempotent.
    retry: Literal['never', 'not done', 'may be done'] = 'never'
    locked_out: bool = False


class AirtableRequests:
    """Sends requests for one base; `{base}` in a path is replaced by its id."""

    def __init__(self, credentials: Credentials, limiter: RateLimiter, endpoint_url: str) -> None:
        from pyairtable import Api

        # At DEBUG urllib3 logs each address, which contains the id of the base.
        logging.getLogger('urllib3').setLevel(logging.INFO)
        self._credentials = credentials
        self._limiter = limiter
        policy = limiter.policy
        # pyairtable declares whole seconds but passes on any number.
        timeouts: Any = (policy.connect_timeout_s, policy.read_timeout_s)
        self._api = Api(
            credentials.api_key, timeout=timeouts, retry_strategy=None, endpoint_url=endpoint_url
        )

    def read(self, path: str, options: Mapping[str, Any] | None = None) -> Any:
        """Return a JSON object; `options` are those of pyairtable. Repeated after a failure."""
        return self._request('get', path, may_repeat=True, options=dict(options or {}))

    def add(self, method: str, path: str, body: object) -> Any:
        """Add something; raises LostAnswerError if it is unknown whether it was added."""
        return self._request(method, path, may_repeat=False, json=body)

    def change(self, path: str, body: object) -> Any:
        """Change something idempotently. Repeated after a failure."""
        return self._request('patch', path, may_repeat=True, json=body)

    def _request(self, method: str, path: str, may_repeat: bool, **content: Any) -> Any:
        from requests import RequestException

        url = self._api.build_url(*path.replace('{base}', self._credentials.base_id).split('/'))
        for attempt in range(1, self._limiter.policy.attempts + 1):
            self._limiter.acquire()
            try:
                answer = self._api.request(method, url, **content)
            except (RequestException, ValueError) as error:
                failure = self._failure(error)
            else:
                if isinstance(answer, dict):
                    return answer
                failure = _Failure(
                    DatabaseError('expected a JSON object from Airtable'), 'may be done'
                )
            if failure.retry == 'may be done' and not may_repeat:
                raise LostAnswerError(str(failure.error)) from None
            if failure.retry == 'never' or attempt == self._limiter.policy.attempts:
                raise failure.error from None
            if failure.locked_out:
                self._limiter.wait_out_lockout()
            else:
                self._limiter.back_off(attempt)
        raise AssertionError('unreachable: the last attempt returns or raises')

    def _failure(self, error: Exception) -> _Failure:
        """Return the error for a failed request, and whether the request may be repeated."""
        import requests

        if isinstance(error, requests.HTTPError) and error.response is not None:
            return self._rejection(error.response.status_code, error.response.content)
        if isinstance(error, requests.ConnectTimeout) or _never_left(error):
            text = 'cannot reach Airtable; check the network, or use the local copy'
            return _Failure(DatabaseError(text), 'not done')
        if isinstance(error, requests.exceptions.SSLError):
            text = 'cannot verify the certificate of Airtable; check the clock and proxy settings'
            return _Failure(DatabaseError(text), 'may be done')
        if isinstance(error, requests.Timeout):
            text = f'Airtable did not answer within {self._limiter.policy.read_timeout_s:g} s'
            return _Failure(DatabaseError(text), 'may be done')
        if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            return _Failure(
                DatabaseError('the connection to Airtable was interrupted'), 'may be done'
            )
        if isinstance(error, requests.exceptions.JSONDecodeError):
            return _Failure(DatabaseError('expected JSON from Airtable'), 'may be done')
        name = type(error).__name__
        text = f'the request to Airtable failed ({name}): {self._credentials.redact(str(error))}'
        return _Failure(DatabaseError(text))

    def _rejection(self, status: int, content: bytes) -> _Failure:
        """Read Airtable's errors: https://airtable.com/developers/web/api/errors."""
        type_, message = _error_of(content)
        said = shortened(
            self._credentials.redact(f'{type_}: {message}' if message else type_), _SHOWN_ERROR
        )
        advice = _ADVICE.get(status, 'see docs/airtable.md')
        if status == 429 and type_ == _MONTHLY_LIMIT:
            text = 'the calls of this month are used up; wait for the next one or change the plan'
            return _Failure(RejectedError(f'Airtable refused the request: {text}', type_))
        error = RejectedError(f'Airtable refused the request: {status} {said}; {advice}', type_)
        if status == 429:
            return _Failure(error, 'not done', locked_out=True)
        return _Failure(error, 'may be done' if status >= 500 else 'never')


_ADVICE = {
    401: 'check the token in AIRTABLE_API_KEY',
    403: (
        'check that AIRTABLE_BASE_ID is the right base, and that the token may open it and has '
        'the scopes in docs/airtable.md'
    ),
    404: 'check AIRTABLE_BASE_ID',
    422: f'run `{HOS} db check`, then `{HOS} db init` if a column is missing',
    429: 'too many requests; wait half a minute, and check what else uses the base',
}


def _never_left(error: Exception) -> bool:
    """Return whether a request failed before any of it was sent."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, NewConnectionError)


def _error_of(content: bytes) -> tuple[str, str]:
    """Return type and message of an error, in any of the forms that Airtable uses."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 'without a reason', ''
    error = body.get('error') if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get('type', '')), str(error.get('message') or '')
    return str(error or ''), ''
