"""The time, as it is passed into the core."""

from __future__ import annotations

from typing import NamedTuple


class Timestamp(NamedTuple):
    """One instant on two clocks [s]: `steady` for intervals, `epoch` for stamps."""

    steady: float
    epoch: float
