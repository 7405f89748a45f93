"""The time that is passed to the core."""

from __future__ import annotations

from typing import NamedTuple


class Timestamp(NamedTuple):
    """One instant on two clocks [s]: `steady` for intervals, `epoch` for time stamps."""

    steady: float
    epoch: float
