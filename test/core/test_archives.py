"""Archives contain exactly the packed files, and no paths that leave the folder."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hos_device_layer.core.archives import (
    MAX_FILE_BYTES,
    MAX_FILES,
    ArchiveError,
    pack,
    unpack,
)

FILES = {'drivers/scale.py': b'x = 1\n', 'interfaces/shelf.py': b''}

names = st.text('abc_1', min_size=1, max_size=8).map(lambda name: f'drivers/{name}.py')


def zipped(path: str, content: bytes = b'x', mode: int = stat.S_IFREG | 0o644) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as writer:
        entry = zipfile.ZipInfo(path)
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        writer.writestr(entry, content)
    return archive.getvalue()


@given(st.dictionaries(names, st.binary(max_size=100), max_size=6))
def test_unpacking_returns_the_packed_files(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files
    assert pack(files) == pack(dict(reversed(files.items())))


@pytest.mark.parametrize(
    'path',
    ['/etc/passwd', '../up.py', 'a/../../up.py', 'c:\\x.py', 'a\\b.py', './a', 'a//b', 'a\nb'],
)
def test_paths_outside_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ArchiveError, match='expected a relative path'):
        unpack(zipped(path))
    with pytest.raises(ArchiveError):
        pack({path: b''})


@pytest.mark.parametrize('kind', [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int) -> None:
    with pytest.raises(ArchiveError, match='expected a regular file'):
        unpack(zipped('a.py', b'/etc/passwd', kind | 0o777))


def test_an_archive_above_a_limit_is_refused() -> None:
    bomb = zipped('a.py', b'\0' * (MAX_FILE_BYTES + 1))
    assert len(bomb) < 2000
    with pytest.raises(ArchiveError, match='expected at most 262144 bytes'):
        unpack(bomb)
    with pytest.raises(ArchiveError, match='expected at most 200 files, got 201'):
        pack({f'{n}.py': b'' for n in range(MAX_FILES + 1)})
    with pytest.raises(ArchiveError, match='bytes in total'):
        pack({f'{n}.py': b'x' * MAX_FILE_BYTES for n in range(20)})


def test_an_archive_with_wrong_sizes_is_refused() -> None:
    bomb = bytearray(zipped('a.py', b'\0' * 1000))
    # The uncompressed size, in the central directory: 24 bytes after its signature.
    at = bomb.index(b'PK\x01\x02') + 24
    bomb[at : at + 4] = (10).to_bytes(4, 'little')
    with pytest.raises(ArchiveError):
        unpack(bytes(bomb))


@given(st.binary(max_size=200), st.integers(0, 400))
@example(b'\0' * 5, 147)  # An entry whose name is empty.
def test_any_bytes_are_unpacked_or_refused(noise: bytes, at: int) -> None:
    archive = pack(FILES)
    for broken in (noise, archive[:at] + noise + archive[at + len(noise) :]):
        try:
            files = unpack(broken)
        except ArchiveError:
            continue
        assert all(isinstance(content, bytes) for content in files.values())
