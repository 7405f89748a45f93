"""The specification as a folder of YAML files, one for each table: good to read, diff and edit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ..core.errors import DatabaseError
from ..core.spec.cells import is_empty
from ..core.spec.checks import check_tables
from ..core.spec.records import Spec
from ..core.spec.spec_tables import table_of
from ..core.spec.tables import Problem, Row, Tables
from .committed_folder import CommittedFolder, version_time

SUFFIX = '.yaml'

# A line of YAML is not folded before this.
_LINE_WIDTH = 99

# A file name of most file systems has no more bytes.
_MAX_FILE_NAME = 255


class Version(msgspec.Struct, frozen=True):
    """A copy that was replaced by a later one, and when."""

    name: str
    replaced: datetime


class LocalCopy:
    """The YAML copy in `folder`; what cannot be read or written raises DatabaseError."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.folder = folder
        self.now = now
        self._committed = CommittedFolder(folder, SUFFIX, now)

    def read(self) -> Spec:
        """Read and check the specification; a file that is no table is one of its problems."""
        return check_tables(*self.read_tables())

    def read_tables(self) -> tuple[Tables, list[Problem]]:
        """Read the tables as they stand in the files, and what is wrong with the files."""
        if not self.folder.is_dir():
            raise DatabaseError(
                f'there is no local copy of the specification in {self.folder}; '
                'name its folder, or fetch one with `hos db pull`'
            )
        with self._failing('read'), self._committed.reading() as paths:
            return _read_tables(paths)

    def write(self, tables: Tables) -> bool:
        """Replace the whole copy at once; returns whether anything was different."""
        unsafe = [table for table in tables if not is_file_name(table)]
        if unsafe:
            raise DatabaseError(f'no file can have the name of the table {unsafe[0]!r}; rename it')
        texts = {table + SUFFIX: table_text(table, rows) for table, rows in tables.items()}
        with self._failing('write'):
            return self._committed.replace(texts)

    def history(self) -> list[Version]:
        """Return the copies before this one, the latest first."""
        with self._failing('read'):
            return [Version(name, version_time(name)) for name in self._committed.versions()]

    def read_version(self, version: Version) -> Spec:
        """Read and check a copy from the history."""
        with self._failing('read'):
            return check_tables(*_read_tables(self._committed.version_files(version.name)))

    def rollback(self, version: Version) -> None:
        """Bring back a copy from the history; the present one goes there, nothing is lost."""
        with self._failing('write'):
            paths = self._committed.version_files(version.name)
            texts = {path.name: path.read_text(encoding='utf-8') for path in paths}
            self._committed.replace(texts)

    def changed(self) -> datetime:
        """Return when a file of the copy was last changed."""
        with self._failing('read'), self._committed.reading() as paths:
            latest = max((path.stat().st_mtime for path in paths), default=0.0)
        return datetime.fromtimestamp(latest, timezone.utc)

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except DatabaseError:
            raise
        except (OSError, ValueError) as error:
            raise DatabaseError(f'cannot {what} the local copy {self.folder}: {error}') from error


def is_file_name(table: str) -> bool:
    """Tell whether a table's name can be the name of a file."""
    return (
        table.isprintable()
        and '/' not in table
        and not table.startswith('.')
        and table != ''
        and len((table + SUFFIX).encode()) <= _MAX_FILE_NAME
    )


def table_text(table: str, rows: Iterable[Row]) -> str:
    """Return a table's file: known columns that are not empty, rows sorted by name."""
    columns = [column.name for column in table_of(table).columns]
    name = columns[0]
    known = [{c: row[c] for c in columns if not is_empty(row.get(c))} for row in rows]
    texts = [
        yaml.dump(
            [row],
            Dumper=yaml.CSafeDumper,
            sort_keys=False,
            allow_unicode=True,
            width=_LINE_WIDTH,
        )
        for row in sorted(known, key=lambda row: (str(row.get(name, '')), str(row)))
        if row
    ]
    return '\n'.join([f'# Table {table!r} of the device specification.\n', *texts])


def _read_tables(paths: Iterable[Path]) -> tuple[Tables, list[Problem]]:
    tables: dict[str, list[Row]] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            tables[path.stem] = _read_table(path)
        except DatabaseError as error:
            tables[path.stem] = []
            problems.append(Problem(path.stem, '', '', str(error)))
    return tables, problems


def _read_table(path: Path) -> list[Row]:
    try:
        rows = yaml.load(path.read_text(encoding='utf-8'), Loader=_UniqueKeysLoader)  # noqa: S506
    except (OSError, UnicodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise DatabaseError(f'cannot read {path}: {error}') from None
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DatabaseError(f'{path} must be a list of rows, each with `column: value` lines')
    return rows


class _UniqueKeysLoader(yaml.CSafeLoader):
    """A safe loader to which the same column twice in one row is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        for (key, _), name in zip(node.value, names):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f'{name!r} stands in one row twice', key.start_mark
                )
        return super().construct_mapping(node, deep)
