"""Where the project is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE_DB = ROOT / 'device_db'
