"""Ids in the form of Airtable's: three letters for the kind, fourteen letters and digits."""

from __future__ import annotations

import itertools
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase

# The digits after the kind.
_LENGTH = 14

# Coprime to 62**14: successive ids look nothing alike, and the first 62**14 differ.
_STRIDE = 7_300_128_345_067_891_234_567_891


class Ids:
    """A sequence of ids that is the same in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, kind: str) -> str:
        """Return an id that was not returned before; `kind` is `rec`, `tbl`, `fld` …."""
        number = next(self._numbers) * _STRIDE % 62**_LENGTH
        digits = ''
        for _ in range(_LENGTH):
            number, digit = divmod(number, 62)
            digits += _DIGITS[digit]
        return kind + digits
