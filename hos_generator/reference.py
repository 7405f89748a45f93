"""
Renews the pages of the documentation that are generated from declarations in the code.

    ./hos python -m hos_generator.reference

writes docs/reference/*.md and the diagram in docs/connections.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from . import (
    connection_diagram,
    launch_reference,
    parameters_reference,
    ros_interface_reference,
    specification_reference,
)

DOCUMENTATION = Path(__file__).parents[1] / 'docs'
COMMAND = './hos python -m hos_generator.reference'


def _connections_page() -> str:
    page = DOCUMENTATION / 'connections.md'
    return connection_diagram.with_diagram(page.read_text(encoding='utf-8'))


# The pages below the documentation's folder. Only the diagram of the last one is generated.
PAGES: Mapping[str, Callable[[], str]] = {
    'reference/specification.md': specification_reference.render,
    'reference/ros_interface.md': ros_interface_reference.render,
    'reference/parameters.md': parameters_reference.render,
    'reference/launch_arguments.md': launch_reference.render,
    'connections.md': _connections_page,
}


def main(folder: Path = DOCUMENTATION) -> int:
    """Write all pages into a folder, which must exist; returns the exit code."""
    if not folder.is_dir():
        print(  # noqa: T201
            f'expected the documentation of a source checkout in {folder}; run this command in a '
            'checkout of the project',
            file=sys.stderr,
        )
        return 1
    for name, render in PAGES.items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render(), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
