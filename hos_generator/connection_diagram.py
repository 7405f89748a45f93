"""
Draws the connection states into `docs/connections.md`, from the transition table of the code.

    python3 -m hos_generator.connection_diagram docs/connections.md
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from hos_device_layer.core.dispatch.connection_states import (
    TRANSITIONS,
    ConnectionState,
    ConnectionTrigger,
)

_BLOCK = re.compile(r'```mermaid\n.*?```\n', re.DOTALL)

# Why a connection is created in its first state.
_INITIAL_STATES = {
    ConnectionState.EXPECTED: 'row in the fleet',
    ConnectionState.WAITING: 'ping or connect without a row',
}


def draw() -> str:
    """Return the mermaid diagram of all transitions that change a state or publish a message."""
    triggers: dict[tuple[ConnectionState, ConnectionState, str], list[ConnectionTrigger]] = {}
    for (old, trigger), (new, event) in TRANSITIONS.items():
        if new is not old or event is not None:
            published = event.value if event else ''
            triggers.setdefault((old, new, published), []).append(trigger)
    lines = ['stateDiagram-v2']
    lines += [
        f'{state.name}: {state.value.upper()}'
        for state in ConnectionState
        if state is not ConnectionState.FORGOTTEN
    ]
    lines += [f'[*] --> {state.name}: {reason}' for state, reason in _INITIAL_STATES.items()]
    lines += [
        f'{old.name} --> {_end(new)}: {_label(causes, published)}'
        for (old, new, published), causes in triggers.items()
    ]
    return '\n    '.join(lines) + '\n'


def with_diagram(document: str) -> str:
    """Return a document with its mermaid block replaced; raises ValueError unless it has one."""
    replaced, count = _BLOCK.subn(lambda _: f'```mermaid\n{draw()}```\n', document)
    if count != 1:
        raise ValueError(f'expected one mermaid block, found {count}')
    return replaced


def _end(state: ConnectionState) -> str:
    return '[*]' if state is ConnectionState.FORGOTTEN else state.name


def _label(triggers: list[ConnectionTrigger], published: str) -> str:
    causes = ' or '.join(trigger.value for trigger in triggers)
    return f'{causes} / {published}' if published else causes


def main(arguments: list[str]) -> int:
    """Update the diagram in each of the named documents; returns the exit code."""
    for name in arguments:
        path = Path(name)
        path.write_text(with_diagram(path.read_text(encoding='utf-8')), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
