"""The entry point of `hos`; each command is a module of this package."""

from __future__ import annotations

import sys

from ..exit_signals import exit_on_signals, interrupt_on_signals
from . import SERVICES

if __name__ == '__main__':
    # Before the other imports.
    exit_on_signals(is_regular_end=sys.argv[1:2] in [[name] for name in SERVICES])

import argparse
import importlib
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType

from ..command_process import run_command
from ..dependencies import CANNOT_RUN, missing_dependency
from ..program_options import ProgramParser
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
_EPILOG = (
    'See `hos COMMAND --help` for the options of a command. Exit codes of every command: 74 if it '
    'succeeded, but its output could not be written; 130 and 143 if SIGINT (Ctrl-C) and SIGTERM '
    'interrupted it. They are the regular end of `up`, `host` and `watch`: 0.'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named command and return its exit code; without a command, print the help."""
    if arguments is not None:
        return _run(arguments)
    words = sys.argv[1:]
    name = f'hos {words[0]}' if _command(words) else 'hos'
    return run_command(name, partial(_run_interruptibly, words), is_service=_is_service(words))


def _run_interruptibly(words: Sequence[str]) -> int:
    return _run(words, lambda: None if _is_service(words) else interrupt_on_signals())


def _run(words: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    try:
        chosen = _parse(words)
        before()
        return int(chosen.run(chosen))
    except ModuleNotFoundError as error:
        print(missing_dependency(f'hos {words[0]}', error), file=sys.stderr)
        return CANNOT_RUN


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the options; `run` is the function that runs the chosen command."""
    parser = ProgramParser(
        prog='hos',
        description='Connect any device to ROS 2 and call it like a function.',
        epilog=_EPILOG,
    )
    parser.set_defaults(run=lambda _: _print_help(parser))
    subparsers = parser.add_subparsers(title='commands', metavar='COMMAND')
    for module in _command_modules(words):
        module.add_parser(subparsers)
    chosen: argparse.Namespace
    chosen, unknown = parser.parse_known_args(words)
    if unknown and 'arguments' in chosen and not any(word.startswith('-') for word in unknown):
        # argparse leaves the arguments that follow an option.
        chosen.arguments, unknown = [*chosen.arguments, *unknown], []
    if unknown and 'passed_on' not in chosen:
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    if unknown:
        # argparse does not put options before the first positional argument into the remainder.
        chosen.passed_on = [*unknown, *chosen.passed_on]
    return chosen


def _print_help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 0


def _command_modules(words: Sequence[str]) -> list[ModuleType | UnavailableCommand]:
    """Return the module of the chosen command; all of them if none is chosen, for the help."""
    # Importing all of them takes about a second.
    names = [command] if (command := _command(words)) else COMMANDS
    return [_command_module(name) for name in names]


def _command_module(name: str) -> ModuleType | UnavailableCommand:
    try:
        return importlib.import_module(f'hos_device_layer.command_line.{name}')
    except ModuleNotFoundError as error:
        return UnavailableCommand(name, missing_dependency(f'hos {name}', error))


def _command(words: Sequence[str]) -> str:
    return words[0] if words and words[0] in COMMANDS else ''


def _is_service(words: Sequence[str]) -> bool:
    return _command(words) in SERVICES


if __name__ == '__main__':
    sys.exit(main())
