"""Airtable's error answers, word for word: https://airtable.com/developers/web/api/errors."""

from __future__ import annotations

from typing import Any


class AirtableApiError(Exception):
    """An error answer with its HTTP status and JSON body."""

    def __init__(self, status: int, error: Any) -> None:
        super().__init__(status, error)
        self.status = status
        self.body = {'error': error}


def not_authenticated() -> AirtableApiError:
    """Return the error for a missing or unknown token."""
    return _typed(401, 'AUTHENTICATION_REQUIRED', 'Authentication required')


def not_permitted() -> AirtableApiError:
    """Return the error for a model that does not exist or is not accessible."""
    return _typed(
        403,
        'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND',
        'Invalid permissions, or the requested model was not found. Check that both your user and '
        'your token have the required permissions, and that the model names and/or ids are '
        'correct.',
    )


def not_found() -> AirtableApiError:
    """Return the error for an unknown base or address."""
    return AirtableApiError(404, 'NOT_FOUND')


def invalid(type_: str, message: str = '') -> AirtableApiError:
    """Return the error for an invalid request."""
    return _typed(422, type_, message)


def too_many_requests() -> AirtableApiError:
    """Return the error for requests above the rate limit."""
    return _typed(429, 'RATE_LIMIT_REACHED', 'Rate limit exceeded. Please try again later')


def monthly_limit() -> AirtableApiError:
    """Return the error for a plan whose monthly calls are used up."""
    return _typed(
        429, 'PUBLIC_API_BILLING_LIMIT_EXCEEDED', 'API billing plan limit exceeded for this month'
    )


def server_error() -> AirtableApiError:
    """Return the error for a failure of the server."""
    return _typed(500, 'SERVER_ERROR', 'Server error')


def _typed(status: int, type_: str, message: str) -> AirtableApiError:
    return AirtableApiError(status, {'type': type_, **({'message': message} if message else {})})
