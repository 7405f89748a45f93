"""The local copy of a specification: a folder with one YAML file per table."""

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
from ..source_tree import HOS
from .committed_folder import CommittedFolder, version_time

SUFFIX = '.yaml'

# YAML lines are folded only beyond this length.
_LINE_WIDTH = 99

NO_FILE_NAME = 'has a name that a file cannot have; rename the table'

# The longest file name on most file systems, in bytes.
_MAX_FILE_NAME = 255


class Version(msgspec.Struct, frozen=True):
    """An earlier copy, and when it was replaced."""

    name: str
    replaced: datetime


class LocalCopy:
    """The YAML files in `folder`; raises DatabaseError if they cannot be read or written."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.folder = folder
        self.now = now
        self._committed = CommittedFolder(folder, SUFFIX, now)

    def read(self) -> Spec:
        """Read and check the specification; an unreadable file is one of its problems."""
        return check_tables(*self.read_tables())

    def read_whole(self) -> Spec:
        """Read and check the specification; raises DatabaseError if a file is unreadable."""
        return check_tables(self.read_whole_tables())

    def read_whole_tables(self) -> Tables:
        """Return the tables; raises DatabaseError if a file is unreadable."""
        tables, problems = self.read_tables()
        if problems:
            raise DatabaseError('; '.join(problem.text for problem in problems))
        return tables

    def read_tables(self) -> tuple[Tables, list[Problem]]:
        """Return the tables as they are in the files, and the problems of the files."""
        if not self.folder.is_dir():
            raise DatabaseError(
                f'there is no local copy of the specification in {self.folder}; '
                f'give its folder, or create one with `{HOS} db pull`'
            )
        with self._failing('read'), self._committed.reading() as paths:
            return _read_tables(paths)

    def write(self, tables: Tables) -> bool:
        """Replace the whole copy atomically; returns whether anything changed."""
        unsafe = [table for table in tables if not is_file_name(table)]
        if unsafe:
            raise DatabaseError(f'the table {unsafe[0]!r} {NO_FILE_NAME}')
        texts = {table + SUFFIX: table_text(table, rows) for table, rows in tables.items()}
        with self._failing('write'):
            return self._committed.replace(texts)

    def history(self) -> list[Version]:
        """Return the earlier copies, the latest first."""
        with self._failing('read'):
            return [Version(name, version_time(name)) for name in self._committed.versions()]

    def read_version(self, version: Version) -> Spec:
        """Read and check an earlier copy."""
        with self._failing('read'):
            return check_tables(*_read_tables(self._committed.version_files(version.name)))

    def rollback(self, version: Version) -> None:
        """Restore an earlier copy; the current one is added to the history."""
        with self._failing('write'):
            paths = self._committed.version_files(version.name)
            texts = {path.name: path.read_text(encoding='utf-8') for path in paths}
            self._committed.replace(texts)

    def changed(self) -> datetime:
        """Return when a file of the copy last changed."""
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
    """Return whether the name of a table can be that of a file."""
    return (
        table.isprintable()
        and '/' not in table
        and not table.startswith('.')
        and table != ''
        and len((table + SUFFIX).encode()) <= _MAX_FILE_NAME
    )


def table_text(table: str, rows: Iterable[Row]) -> str:
    """Return the file of a table: its known columns that are not empty, sorted by row name."""
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
        raise DatabaseError(f'{path}: expected a list of rows, each with `column: value` lines')
    return rows


class _UniqueKeysLoader(yaml.CSafeLoader):
    """A safe loader that rejects a row with the same column twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return the columns of a row; raises ConstructorError if one appears twice."""
        names = [key.value for key, _ in node.value]
        for (key, _), name in zip(node.value, names):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f'{name!r} appears twice in one row', key.start_mark
                )
        return super().construct_mapping(node, deep)
