"""Run an Airtable in a terminal: `python -m hos_device_layer.testing.airtable`."""

from __future__ import annotations

import argparse
import signal
import sys

from .rate_limit import RateLimit
from .running import running_airtable


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog='airtable', description='An Airtable with an empty base, on this machine only.'
    )
    parser.add_argument('--port', type=int, default=0, help='default: a free one')
    parser.add_argument(
        '--rate-limit',
        action='store_true',
        help='lock out who sends more than 5 requests a second',
    )
    options = parser.parse_args(arguments)
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with running_airtable(RateLimit() if options.rate_limit else None, options.port) as airtable:
        lines = [f'export {name}={value}' for name, value in airtable.environment.items()]
        print('\n'.join([*lines, '# Ctrl-C ends.']), flush=True)  # noqa: T201
        signal.sigwait(signals)
    return 0


if __name__ == '__main__':
    sys.exit(main())
