"""IdSequence in Airtable's form: three letters for the kind, then fourteen letters and digits."""

from __future__ import annotations

import itertools
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase

# The number of digits after the kind.
_LENGTH = 14

# Coprime to 62**14, so that the first 62**14 ids differ; large, so that they look random.
_STRIDE = 7_300_128_345_067_891_234_567_891


class IdSequence:
    """A sequence of unique ids, the same in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, kind: str) -> str:
        """Return a new id; `kind` is `rec`, `tbl`, `fld`, …."""
        number = next(self._numbers) * _STRIDE % 62**_LENGTH
        digits = ''
        for _ in range(_LENGTH):
            number, digit = divmod(number, 62)
            digits += _DIGITS[digit]
        return kind + digits
