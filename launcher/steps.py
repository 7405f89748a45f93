"""A step of the set-up, and how it is decided whether it must be done again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .runner import ProgramRunner


@dataclass(frozen=True)
class SetupStep:
    """`make` fills `folder`; the step is done again when the fingerprint of `inputs` changes."""

    title: str
    folder: Path
    inputs: Callable[[], str]
    make: Callable[[ProgramRunner], None]

    @property
    def stamp(self) -> Path:
        """File with the fingerprint; written last, so that an interrupted step has none."""
        return self.folder / '.made_from'

    def is_done(self) -> bool:
        """Whether the step was completed with the current inputs."""
        try:
            return self.stamp.read_text() == self.inputs()
        except OSError:
            return False

    def do(self, runner: ProgramRunner) -> None:
        """Empty the folder and fill it again."""
        with runner.display.step(self.title):
            # The stamp goes first, so that a half-emptied folder never has one.
            self.stamp.unlink(missing_ok=True)
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self.make(runner)
            self.stamp.write_text(self.inputs())


def fingerprint(*sources: str | Path) -> str:
    """Return a hash of texts, and of the contents of files and folders."""
    total = hashlib.sha256()
    for source in sources:
        if isinstance(source, str):
            total.update(f'{source}\0'.encode())
            continue
        for file in _files(source):
            total.update(f'{file.relative_to(source.parent)}\0'.encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    """Yield the files below a path in a fixed order, without what Python caches there."""
    for path in [source] if source.is_file() else sorted(source.rglob('*')):
        if path.is_file() and '__pycache__' not in path.parts:
            yield path
