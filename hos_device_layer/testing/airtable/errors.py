"""The errors of Airtable, in its own words: https://airtable.com/developers/web/api/errors."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that is an error: its HTTP status and JSON body."""

    def __init__(self, status: int, error: Any) -> None:
        super().__init__(status, error)
        self.status = status
        self.body = {'error': error}


def not_authenticated() -> ApiError:
    """No token, or one that opens nothing."""
    return _typed(401, 'AUTHENTICATION_REQUIRED', 'Authentication required')


def not_permitted() -> ApiError:
    """Airtable does not tell what is hidden from what does not exist."""
    return _typed(
        403,
        'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND',
        'Invalid permissions, or the requested model was not found. Check that both your user and '
        'your token have the required permissions, and that the model names and/or ids are '
        'correct.',
    )


def not_found() -> ApiError:
    """No such base or address."""
    return ApiError(404, 'NOT_FOUND')


def invalid(type_: str, message: str = '') -> ApiError:
    """A request that cannot be carried out."""
    return _typed(422, type_, message)


def too_many_requests() -> ApiError:
    """More than five requests in a second, or one during the 30 s after that."""
    return _typed(429, 'RATE_LIMIT_REACHED', 'Rate limit exceeded. Please try again later')


def monthly_limit() -> ApiError:
    """The calls of the plan are used up."""
    return _typed(
        429, 'PUBLIC_API_BILLING_LIMIT_EXCEEDED', 'API billing plan limit exceeded for this month'
    )


def server_error() -> ApiError:
    """Airtable's own fault."""
    return _typed(500, 'SERVER_ERROR', 'Server error')


def _typed(status: int, type_: str, message: str) -> ApiError:
    return ApiError(status, {'type': type_, **({'message': message} if message else {})})
