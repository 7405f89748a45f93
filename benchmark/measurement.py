"""Measured values, their limits, and measurements that failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping

import msgspec

from .programs_log import append_to_log


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value with its unit; the limits are None if there are none."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_good(self) -> bool:
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

    def __str__(self) -> str:
        return f'{self.name}: {self.value:.4g} {self.unit}'


class FailedMeasurement(msgspec.Struct, frozen=True):
    """A measurement that has no value because of an error."""

    name: str
    error: str

    @property
    def is_good(self) -> bool:
        """Whether there is a value within its limits: never."""
        return False

    def __str__(self) -> str:
        return f'{self.name}: failed: {self.error}'


Outcome = Measurement | FailedMeasurement

Part = Callable[[], Iterator[Outcome]]


def run_parts(parts: Mapping[str, Part]) -> Iterator[Outcome]:
    """Yield the outcomes of all parts as they come; one that fails does not end the others."""
    for name, part in parts.items():
        try:
            yield from part()
        except Exception as error:
            append_to_log(traceback.format_exc())
            yield FailedMeasurement(name, f'{type(error).__name__}: {error}')
