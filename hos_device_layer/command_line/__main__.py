"""The command line: one module a command, which `./hos` and the installed `hos` run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import bench, call, check, db, devices, generate, host, python, test, token, up, watch

# In the order in which a newcomer needs them.
COMMANDS = (up, host, devices, call, watch, check, db, generate, token, python, test, bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; without one, print the help."""
    parser = argparse.ArgumentParser(
        prog='hos',
        description='Connect any device to ROS 2, and call it like a function.',
        epilog='hos COMMAND --help tells more about a command.',
    )
    subparsers = parser.add_subparsers(title='commands', metavar='COMMAND')
    for command in COMMANDS:
        command.add_parser(subparsers)
    chosen, unknown = parser.parse_known_args(arguments)
    if unknown and 'passed_on' not in chosen:
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    if 'run' not in chosen:
        parser.print_help()
        return 0
    if unknown:
        # Options before the first word that is none: argparse leaves them out of the remainder.
        chosen.passed_on = [*unknown, *chosen.passed_on]
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
