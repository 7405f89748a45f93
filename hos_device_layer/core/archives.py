"""Small folders of text in one piece of bytes: packed the same each time, unpacked with care."""

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

# The earliest time the format knows: equal folders make equal archives.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

# What zipfile raises for bytes that are no archive, or a damaged one.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

# The others are rare, and slow to unpack.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_REGULAR_FILE = (stat.S_IFREG | 0o644) << 16


class ArchiveError(HosError, ValueError):
    """An archive is broken, too large, or holds what it must not."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Put files into an archive, by their paths relative to the folder; raises ArchiveError."""
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
    Return the files of an archive by their paths, which lead nowhere but down.

    Raises ArchiveError for links, other than plain files, paths that are absolute or go up, and
    for more than the limits allow, whatever the archive says about its sizes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as reader:
            entries = [entry for entry in reader.infolist() if not entry.is_dir()]
            _check_sizes({entry.filename: entry.file_size for entry in entries})
            if len({entry.filename for entry in entries}) != len(entries):
                raise ArchiveError('the archive holds a file twice')
            return {_checked_entry(entry): _read(reader, entry) for entry in entries}
    except ArchiveError:
        raise
    except _BROKEN as error:
        raise ArchiveError(f'the archive is broken: {error}') from None


def _check_sizes(sizes: Mapping[str, int]) -> None:
    if len(sizes) > MAX_FILES:
        raise ArchiveError(f'{len(sizes)} files; at most {MAX_FILES} are allowed')
    for path, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise ArchiveError(f'{shortened(path)} is larger than {MAX_FILE_BYTES} bytes')
    if sum(sizes.values()) > MAX_BYTES:
        raise ArchiveError(f'the files are larger than {MAX_BYTES} bytes in all')


def _checked_entry(entry: zipfile.ZipInfo) -> str:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f'{shortened(entry.filename)} is no plain file')
    if entry.compress_type not in _METHODS:
        raise ArchiveError(f'{shortened(entry.filename)} is compressed in a way that is not used')
    return _checked_path(entry.filename)


def _checked_path(path: str) -> str:
    pure = PurePosixPath(path)
    is_odd = '\\' in path or ':' in path or not path.isprintable() or str(pure) != path
    if is_odd or pure.is_absolute() or '..' in pure.parts or not pure.name:
        raise ArchiveError(f'{shortened(path)} is no path inside a folder')
    return path


def _read(reader: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with reader.open(entry) as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) != entry.file_size:
        raise ArchiveError(f'{shortened(entry.filename)} is not as large as it says')
    return content
