"""The entry point of `hos`; each command is a module of this package."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from ..dependencies import CANNOT_RUN, missing_dependency
from ..exit_signals import exit_on_signals
from .unavailable import UnavailableCommand

# In the order of the help: first what a new user needs.
COMMANDS = (
    'up',
    'host',
    'devices',
    'call',
    'watch',
    'check',
    'db',
    'generate',
    'token',
    'python',
    'lint',
    'test',
    'bench',
)

# These run until Ctrl-C, which is their regular end: exit code 0.
_SERVICES = ('up', 'host')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named command and return its exit code; without a command, print the help."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None and words and words[0] in _SERVICES:
        exit_on_signals()
    try:
        try:
            return _run(words)
        finally:
            # Here, where an error can be handled; Python would print it.
            sys.stdout.flush()
    except ModuleNotFoundError as error:
        print(missing_dependency(f'hos {words[0]}', error), file=sys.stderr)
        return CANNOT_RUN
    except BrokenPipeError:
        # Its reader has read enough: hos watch | head
        _discard_output()
        return 0
    except KeyboardInterrupt:
        return 130


def _run(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog='hos',
        description='Connect any device to ROS 2 and call it like a function.',
        epilog='See `hos COMMAND --help` for the options of a command.',
    )
    subparsers = parser.add_subparsers(title='commands', metavar='COMMAND')
    for module in _command_modules(words):
        module.add_parser(subparsers)
    chosen, unknown = parser.parse_known_args(words)
    if unknown and 'arguments' in chosen and not any(word.startswith('-') for word in unknown):
        # argparse leaves the arguments that follow an option.
        chosen.arguments, unknown = [*chosen.arguments, *unknown], []
    if unknown and 'passed_on' not in chosen:
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    if 'run' not in chosen:
        parser.print_help()
        return 0
    if unknown:
        # argparse does not put options before the first positional argument into the remainder.
        chosen.passed_on = [*unknown, *chosen.passed_on]
    return int(chosen.run(chosen))


def _discard_output() -> None:
    # At its end, Python prints what is left, and would fail again.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command_modules(words: Sequence[str]) -> list[ModuleType | UnavailableCommand]:
    """Return the module of the chosen command; all of them if none is chosen, for the help."""
    # Importing all of them takes about a second.
    names = words[:1] if words and words[0] in COMMANDS else COMMANDS
    return [_command_module(name) for name in names]


def _command_module(name: str) -> ModuleType | UnavailableCommand:
    try:
        return importlib.import_module(f'hos_device_layer.command_line.{name}')
    except ModuleNotFoundError as error:
        return UnavailableCommand(name, missing_dependency(f'hos {name}', error))


if __name__ == '__main__':
    sys.exit(main())
