"""Measure, and print a table; `--json FILE` keeps the values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from hos_device_layer.testing.ros_domain import private_ros_domain

from . import calls, gateway, host, spec_reading, spec_reload, stopping
from .measurement import Measurement

SUITES: Mapping[str, Callable[[bool], Iterator[Measurement]]] = {
    'calls': calls.measure,
    'gateway': gateway.measure,
    'host': host.measure,
    'spec_reading': spec_reading.measure,
    'spec_reload': spec_reload.measure,
    'stopping': stopping.measure,
}


def main() -> int:
    """Run the chosen suites; returns 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(prog='hos bench', description=__doc__)
    parser.add_argument('suites', nargs='*', choices=[*SUITES, []], help='default: all')
    parser.add_argument(
        '--quick', action='store_true', help='small and short, to see that it runs'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the values to FILE')
    arguments = parser.parse_args()
    console = Console()
    measurements = []
    with private_ros_domain():
        for suite in arguments.suites or SUITES:
            for measurement in SUITES[suite](arguments.quick):
                console.print(f'{measurement.name}: {measurement.value:.4g} {measurement.unit}')
                measurements.append(measurement)
    console.print(_table(measurements))
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(measurements)))
    return 0 if all(measurement.reaches for measurement in measurements) else 1


def _table(measurements: list[Measurement]) -> Table:
    table = Table('measured', 'value', 'unit', 'promised', 'kept')
    for m in measurements:
        kept = ('yes' if m.reaches else '[red]no') if m.promise else ''
        table.add_row(m.name, f'{m.value:.4g}', m.unit, m.promise, kept)
    return table


if __name__ == '__main__':
    sys.exit(main())
