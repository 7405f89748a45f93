"""The shape of the production code: sizes, names and docstrings, measured and bounded."""

from __future__ import annotations

import ast
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from project import ROOT

PRODUCTION = ('hos_client', 'hos_device_layer', 'hos_generator', 'launcher', 'benchmark')
LAUNCHER = ROOT / 'hos'
# Written by the generator, whose template is bounded by its own tests.
GENERATED = ROOT / 'hos_device_layer' / 'gen'

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_MEDIAN_FUNCTION_LINES = 6
MIN_DOCUMENTED = 0.95

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Show = Callable[[str], None]
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


class Public(NamedTuple):
    """A module, class, function or method without a leading underscore at any level."""

    name: str
    is_documented: bool


class Source:
    """A file of the production code."""

    def __init__(self, path: Path) -> None:
        self.name = str(path.relative_to(ROOT))
        text = path.read_text()
        self.line_count = len(text.splitlines())
        self.tree = ast.parse(text)

    def classes(self) -> list[ast.ClassDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    def function_lines(self) -> Iterator[tuple[str, int]]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                assert node.end_lineno
                yield f'{self.name}: {node.name}', node.end_lineno - node.lineno + 1

    def public(self) -> Iterator[Public]:
        yield Public(self.name, ast.get_docstring(self.tree) is not None)
        yield from self._public_in(self.tree)

    def _public_in(self, parent: ast.Module | ast.ClassDef) -> Iterator[Public]:
        for node in _definitions(parent):
            if node.name.startswith('_') or _is_overload_or_setter(node):
                continue
            yield Public(f'{self.name}: {node.name}', ast.get_docstring(node) is not None)
            if isinstance(node, ast.ClassDef):
                yield from self._public_in(node)


def _definitions(parent: ast.AST) -> Iterator[Definition]:
    """Yield the definitions in a module or class, also those below an `if` or `try`."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.stmt | ast.excepthandler):
            yield from _definitions(node)


def _is_overload_or_setter(node: Definition) -> bool:
    """Whether the docstring of the definition belongs to another one of the same name."""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    return any(text == 'overload' or text.endswith('.setter') for text in decorators)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Print a figure although the test passes (not from the workers of a parallel run)."""

    def show(figure: str) -> None:
        with capsys.disabled():
            print(f'\n{figure}', end='')

    return show


@pytest.fixture(scope='module')
def sources() -> list[Source]:
    files = [path for package in PRODUCTION for path in sorted((ROOT / package).rglob('*.py'))]
    return [Source(path) for path in [LAUNCHER, *files] if GENERATED not in path.parents]


def test_no_class_has_the_name_of_another(sources: list[Source], show: Show) -> None:
    places = defaultdict(list)
    for source in sources:
        for node in source.classes():
            places[node.name].append(f'{source.name}:{node.lineno}')
    show(f'{len(places)} names of classes')
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_files_are_short(sources: list[Source], show: Show) -> None:
    lines = {source.name: source.line_count for source in sources}
    show(f'{len(lines)} files, the longest has {max(lines.values())} lines')
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short(sources: list[Source], show: Show) -> None:
    lines = [pair for source in sources for pair in source.function_lines()]
    median = statistics.median(count for _, count in lines)
    longest = max(count for _, count in lines)
    show(f'{len(lines)} functions, the median has {median} lines, the longest {longest}')
    assert [pair for pair in lines if pair[1] > MAX_FUNCTION_LINES] == []
    assert median <= MAX_MEDIAN_FUNCTION_LINES


def test_what_is_public_is_documented(sources: list[Source], show: Show) -> None:
    public = [entry for source in sources for entry in source.public()]
    missing = [entry.name for entry in public if not entry.is_documented]
    share = 1 - len(missing) / len(public)
    show(f'{share:.1%} of {len(public)} public names have a docstring')
    assert share >= MIN_DOCUMENTED, '\n'.join(['without a docstring:', *missing])
