"""A short text that tells whether generated code fits a specification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from .field_types import Field
from .records import Spec

# 64 bits: two specifications of one installation never have the same digest by chance.
_DIGITS = 16


def spec_digest(spec: Spec) -> str:
    """
    Return a digest of the functions and streams of a specification, in hexadecimal digits.

    It covers names, types, ranges and units, in the order of each declaration. It does not depend
    on descriptions, limits, device types, fleets, or the order of the rows.
    """
    functions = [
        (name, _declarations(function.arguments), _declarations(function.results))
        for name, function in sorted(spec.functions.items())
    ]
    streams = [
        (name, _declarations(stream.values)) for name, stream in sorted(spec.streams.items())
    ]
    return hashlib.sha256(msgspec.json.encode((functions, streams))).hexdigest()[:_DIGITS]


def _declarations(fields: Iterable[Field]) -> list[str]:
    return [field.to_text() for field in fields]
