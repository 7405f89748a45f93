"""Run the fake Airtable in a terminal: `python -m hos_device_layer.testing.airtable`."""

from __future__ import annotations

import argparse
import signal
import sys

from .rate_limit import RequestRateLimit
from .running import running_airtable


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog='airtable',
        description='Run a fake Airtable server with an empty base on the loopback interface. '
        'Prints the environment variables that make hos use it.',
    )
    parser.add_argument('--port', type=int, default=0, help='the port; default: any free port')
    parser.add_argument(
        '--rate-limit',
        action='store_true',
        help='limit the rate to 5 requests per second, as Airtable does',
    )
    options = parser.parse_args(arguments)
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with running_airtable(
        RequestRateLimit() if options.rate_limit else None, options.port
    ) as airtable:
        lines = [f'export {name}={value}' for name, value in airtable.environment.items()]
        print('\n'.join([*lines, '# Press Ctrl-C to stop.']), flush=True)  # noqa: T201
        signal.sigwait(signals)
    return 0


if __name__ == '__main__':
    sys.exit(main())
