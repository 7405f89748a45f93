"""A measured value and its limit."""

from __future__ import annotations

import msgspec


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value with its unit; the limits are None if there are none."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_within_limit(self) -> bool:
        """Whether the value is within its limits."""
        return not (
            (self.at_least is not None and self.value < self.at_least)
            or (self.at_most is not None and self.value > self.at_most)
        )

    @property
    def limit(self) -> str:
        """The limit as text; empty if there is none."""
        if self.at_least is not None:
            return f'≥ {self.at_least:g}'
        return f'≤ {self.at_most:g}' if self.at_most is not None else ''
