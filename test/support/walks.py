"""The walks of docs/architecture.md, and traces of the program to compare them with."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, NamedTuple

from project import ROOT

PAGE = ROOT / 'docs' / 'architecture.md'
PACKAGES = 'hos_client', 'hos_device_layer'

_FOLDERS = tuple(f'{ROOT / name}/' for name in PACKAGES)


class Step(NamedTuple):
    """A function of a walk: its file, and its name in it."""

    path: str
    name: str

    def code(self) -> CodeType:
        """Return the code of the function; raises AttributeError if there is none."""
        found: Any = importlib.import_module(self.path.removesuffix('.py').replace('/', '.'))
        for part in self.name.split('.'):
            found = getattr(found, part)
        code: CodeType = inspect.unwrap(found).__code__
        return code

    def __str__(self) -> str:
        return f'{self.path}:{self.name}'


def read_walks() -> dict[str, list[Step]]:
    """Return the numbered steps of each walk of the page, by its title."""
    text = PAGE.read_text(encoding='utf-8').partition('\n## Walks\n')[2].partition('\n## ')[0]
    walks = {}
    for section in text.split('\n### ')[1:]:
        title, _, body = section.partition('\n')
        numbered = re.findall(r'^(\d+)\. `([\w/]+\.py):([\w.]+)`', body, re.MULTILINE)
        assert [int(number) for number, _, _ in numbered] == list(range(1, len(numbered) + 1))
        walks[title] = [Step(path, name) for _, path, name in numbered]
    return walks


class Trace:
    """
    Records calls of functions of this project on threads that start later, and on this one.

    Whenever one of the `checkpoints` is called, the functions on the stack are recorded, too.
    """

    def __init__(self, *checkpoints: Any) -> None:
        self.calls: list[CodeType] = []
        self._stacks: list[list[CodeType]] = []
        self._checkpoints = {checkpoint.__code__ for checkpoint in checkpoints}
        self._is_recording = False

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Watch this thread, and all threads that start meanwhile."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record meanwhile."""
        self._is_recording = True
        try:
            yield
        finally:
            self._is_recording = False

    def path(self, *starts: Step) -> list[str]:
        """Return the functions that led to the checkpoints, from one of `starts` on."""
        found: dict[str, None] = {}
        codes = {start.code() for start in starts}
        for stack in self._stacks:
            first = next((i for i, code in enumerate(stack) if code in codes), len(stack))
            found.update(dict.fromkeys(map(describe, stack[first:])))
        return list(found)

    def missing(self, steps: Sequence[Step]) -> Step | None:
        """Return the first step that was not called after the one before it; None if all were."""
        rest = iter(self.calls)
        return next((step for step in steps if step.code() not in rest), None)

    def _profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != 'call' or not self._is_recording:
            return
        code = frame.f_code
        if code in self._checkpoints:
            self._stacks.append(stack_of(frame.f_back))
        if code.co_filename.startswith(_FOLDERS):
            self.calls.append(code)


def stack_of(frame: FrameType | None) -> list[CodeType]:
    """Return the functions of this project on the stack, the outermost first."""
    codes = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(_FOLDERS):
            codes.append(frame.f_code)
        frame = frame.f_back
    return codes[::-1]


def describe(code: CodeType) -> str:
    """Return a function as the page names it, without its class."""
    return f'{code.co_filename.removeprefix(f"{ROOT}/")}:{code.co_name}'


def described(steps: Sequence[Step]) -> list[str]:
    """Return steps in the form of `describe`."""
    return [describe(step.code()) for step in steps]
