"""A folder whose files are replaced atomically as a set; earlier sets are kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

# Hidden, and ignored by git: it is not part of the set.
STATE_FOLDER = '.hos'

KEPT_VERSIONS = 20

_VERSION_FORMAT = '%Y%m%dT%H%M%S.%fZ'


class CommittedFolder:
    """
    The files with one suffix in `folder`.

    A process that is killed at any moment leaves the whole old set or the whole new one.
    `folder/.hos/` contains:

        staging-*   a new set while it is written; ignored until it is renamed to `commit`
        commit      a complete new set (`new`) and the previous one (`old`), being put in place
        done        has been put in place; its `old` will become a version
        history/*   earlier sets, named by the time at which they were replaced

    A lock on the folder lets several processes read, or one write. Every method may raise OSError.
    """

    def __init__(
        self,
        folder: Path,
        suffix: str,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.folder = folder
        self.state = folder / STATE_FOLDER
        self._suffix = suffix
        self._now = now
        self._commit = self.state / 'commit'
        self._done = self.state / 'done'
        self._history = self.state / 'history'

    @contextlib.contextmanager
    def reading(self) -> Iterator[list[Path]]:
        """Yield the files of a complete set, sorted; they do not change within the context."""
        with self._locked(fcntl.LOCK_SH):
            if not self._commit.exists():
                yield self._files(self.folder)
                return
        with self._locked(fcntl.LOCK_EX):
            yield self._files(self._recovered())

    def replace(self, texts: Mapping[str, str]) -> bool:
        """Replace the set by `texts`, which go by file name; returns whether anything changed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX):
            self._recover()
            if texts == self._texts(self.folder):
                return False
            self.state.mkdir(exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix='staging-', dir=self.state))
            _write_files(staging / 'new', {name: text.encode() for name, text in texts.items()})
            _write_files(
                staging / 'old',
                {path.name: path.read_bytes() for path in self._files(self.folder)},
            )
            staging.rename(self._commit)
            _sync(self.state)
            self._recover()
        return True

    def versions(self) -> list[str]:
        """Return the names of the earlier sets, the latest first."""
        if not self._history.is_dir():
            return []
        return sorted((path.name for path in self._history.iterdir()), reverse=True)

    def version_files(self, version: str) -> list[Path]:
        """Return the files of an earlier set, sorted."""
        return self._files(self._history / version)

    def _recovered(self) -> Path:
        try:
            self._recover()
        except OSError:
            # A folder that cannot be written is read from the complete new set.
            if self._commit.exists():
                return self._commit / 'new'
        return self.folder

    def _recover(self) -> None:
        """Finish a replacement, also one of a killed process; every step may be repeated."""
        if self._done.exists():
            self._archive()
        if self._commit.exists():
            self._put_in_place(self._commit / 'new')
            self._commit.rename(self._done)
            self._archive()
        for staging in self.state.glob('staging-*'):
            shutil.rmtree(staging)

    def _put_in_place(self, new: Path) -> None:
        names = set()
        for source in self._files(new):
            names.add(source.name)
            target = self.folder / source.name
            content = source.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                # A reader without the lock, such as an editor, sees each file complete.
                temporary = self.state / 'placing'
                _write_file(temporary, content)
                temporary.replace(target)
        for path in self._files(self.folder):
            if path.name not in names:
                path.unlink()
        _sync(self.folder)

    def _archive(self) -> None:
        old = self._done / 'old'
        if old.exists() and self._files(old):
            self._history.mkdir(exist_ok=True)
            old.rename(self._history / self._now().strftime(_VERSION_FORMAT))
        shutil.rmtree(self._done)
        for version in self.versions()[KEPT_VERSIONS:]:
            shutil.rmtree(self._history / version)

    def _files(self, folder: Path) -> list[Path]:
        return sorted(path for path in folder.iterdir() if path.suffix == self._suffix)

    def _texts(self, folder: Path) -> dict[str, str]:
        # Bytes that are not UTF-8 differ from every text.
        return {
            path.name: path.read_bytes().decode(errors='replace') for path in self._files(folder)
        }

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)


def version_time(version: str) -> datetime:
    """Return when the set of this name was replaced; raises ValueError for any other name."""
    return datetime.strptime(version, _VERSION_FORMAT).replace(tzinfo=timezone.utc)


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        _write_file(folder / name, content)
    _sync(folder)


def _write_file(path: Path, content: bytes) -> None:
    with path.open('wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
