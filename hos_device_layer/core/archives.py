"""Archives of small text folders: packing is reproducible, unpacking rejects unsafe content."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from .errors import HosError
from .text import shortened

MAX_FILES = 200
MAX_FILE_BYTES = 256 * 1024
MAX_BYTES = 4 * 1024 * 1024

# The earliest time of the format: with a fixed time, equal folders give equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

# The exceptions of zipfile for bytes that are not an archive, or a damaged archive; IndexError is
# raised for an entry without a name.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

# Other methods are rare and slow to unpack.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_REGULAR_FILE = (stat.S_IFREG | 0o644) << 16


class ArchiveError(HosError, ValueError):
    """An archive is damaged or too large, or contains entries that are not allowed."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files, given by their relative paths; raises ArchiveError."""
    _check_sizes({path: len(content) for path, content in files.items()})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as writer:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(_checked_path(path), _NO_TIME)
            entry.external_attr = _REGULAR_FILE
            entry.create_system = 3  # Unix
            entry.compress_type = zipfile.ZIP_DEFLATED
            writer.writestr(entry, content)
    return archive.getvalue()


def unpack(archive: bytes) -> dict[str, bytes]:
    """
    Return the files of an archive by their paths, which never leave the folder.

    Raises ArchiveError for entries that are not regular files, for paths that are absolute or
    contain `..`, and for content above the limits, whatever sizes the archive declares.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as reader:
            entries = [entry for entry in reader.infolist() if not entry.is_dir()]
            _check_sizes({entry.filename: entry.file_size for entry in entries})
            if len({entry.filename for entry in entries}) != len(entries):
                raise ArchiveError('the archive contains two files with the same path')
            return {_checked_entry(entry): _read(reader, entry) for entry in entries}
    except ArchiveError:
        raise
    except _BROKEN as error:
        raise ArchiveError(f'the archive is broken: {error}') from None


def _check_sizes(sizes: Mapping[str, int]) -> None:
    if len(sizes) > MAX_FILES:
        raise ArchiveError(f'expected at most {MAX_FILES} files, got {len(sizes)}')
    for path, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise ArchiveError(
                f'{shortened(path)}: expected at most {MAX_FILE_BYTES} bytes, got {size}'
            )
    if sum(sizes.values()) > MAX_BYTES:
        raise ArchiveError(
            f'expected at most {MAX_BYTES} bytes in total, got {sum(sizes.values())}'
        )


def _checked_entry(entry: zipfile.ZipInfo) -> str:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f'{shortened(entry.filename)}: expected a regular file')
    if entry.compress_type not in _METHODS:
        raise ArchiveError(
            f'{shortened(entry.filename)}: expected a stored or deflated file, got compression '
            f'method {entry.compress_type}'
        )
    return _checked_path(entry.filename)


def _checked_path(path: str) -> str:
    pure = PurePosixPath(path)
    is_odd = '\\' in path or ':' in path or not path.isprintable() or str(pure) != path
    if is_odd or pure.is_absolute() or '..' in pure.parts or not pure.name:
        raise ArchiveError(f'{shortened(path)}: expected a relative path without `..`')
    return path


def _read(reader: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with reader.open(entry) as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) != entry.file_size:
        raise ArchiveError(
            f'{shortened(entry.filename)}: the content does not have the declared size '
            f'({entry.file_size} bytes)'
        )
    return content
