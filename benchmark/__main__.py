"""
Measures rates, latencies and memory, and prints and saves them with their limits.

Exit code: 0 if all values are within their limits, 1 if one is not or a measurement failed, 130
after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console

from hos_device_layer.paths import user_path
from hos_device_layer.testing.ros_domain import private_ros_domain

from . import calls, gateway, host, hostile, spec_reading, spec_reload, stopping
from .measurement import Outcome, run_parts
from .programs_log import logging_to
from .report import BenchmarkReport

Suites = Mapping[str, Callable[[bool], Iterator[Outcome]]]

SUITES: Suites = {
    'calls': calls.measure,
    'gateway': gateway.measure,
    'host': host.measure,
    'hostile': hostile.measure,
    'spec_reading': spec_reading.measure,
    'spec_reload': spec_reload.measure,
    'stopping': stopping.measure,
}

DEFAULT_FILE = Path('.hos', 'benchmark.json')

_INTERRUPTED = 130


def main(arguments: list[str] | None = None, suites: Suites = SUITES) -> int:
    """Run the chosen suites; returns the exit code."""
    options = _parse(arguments, suites)
    file: Path = options.json
    file.parent.mkdir(parents=True, exist_ok=True)
    log = file.with_suffix('.log')
    console = Console(highlight=False, soft_wrap=True)
    console.print(f'values: {file}, log of the measured programs: {log}')
    report = BenchmarkReport(console, file)
    names = [*options.suites, *(['hostile'] if options.hostile else [])] or suites
    chosen = {name: partial(suites[name], options.quick) for name in names}
    try:
        with logging_to(log), private_ros_domain():
            for outcome in run_parts(chosen):
                report.add(outcome)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        report.print_summary()
    return 0 if report.is_good else 1


def _parse(arguments: list[str] | None, suites: Suites) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='hos bench', description=__doc__)
    parser.add_argument(
        'suites',
        nargs='*',
        choices=[*suites, []],
        metavar='SUITE',
        help=f'the suites to run: {", ".join(suites)}; default: all',
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='run with few devices and for a short time, to check that the suites work',
    )
    parser.add_argument(
        '--json',
        type=user_path,
        default=DEFAULT_FILE,
        metavar='FILE',
        help='write the values to FILE, and what the measured programs log to a file of the same '
        'name with the ending .log; default: %(default)s',
    )
    parser.add_argument(
        '--hostile',
        action='store_true',
        help='run the suite hostile: attacks on the gateway while a device is called',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    sys.exit(main())
