"""
Where `hos_device_api.py` is written when no file is named.

The file belongs to the package that uses it. An installation of this project is never a default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FILE_NAME = 'hos_device_api.py'

_PACKAGE_XML = 'package.xml'
_PYPROJECT = 'pyproject.toml'
_SETUP = 'setup.py'

# The files that mark the root of a ROS or Python package.
_PACKAGE_FILES = (_PACKAGE_XML, _SETUP, _PYPROJECT)

# Importable folders beside a package that are not what it installs.
_NOT_INSTALLED = frozenset({'test', 'tests', 'docs', 'doc', 'examples', 'launch'})

# Where Python puts installed packages (sysconfig, and Debian's variant of it).
_SITE_FOLDERS = frozenset({'site-packages', 'dist-packages'})


class OutputError(ValueError):
    """There is no safe default for the output file; the message says how to name one."""


def default_output(library: Path, folder: Path) -> Path:
    """
    Return the file to write when `folder` is the current one; raises OutputError.

    `library` is the folder that `hos_device_layer` was imported from. In a source checkout of
    this project the file is the one in the checkout; otherwise it is in the user's package, if
    `folder` is the root of one, else in `folder` itself.
    """
    if _is_checkout(library.resolve().parent):
        return library / 'gen' / FILE_NAME
    output = (_package_folder(folder) or folder) / FILE_NAME
    for root in _installation_folders(library.resolve().parent):
        if output.resolve().is_relative_to(root):
            raise OutputError(
                f'the current folder {folder} is part of an installation ({root}); change to a '
                'folder of yours, or name a file: --output FILE'
            )
    return output


def import_name(file: Path) -> str | None:
    """Return the dotted name that imports a file; None if Python cannot import such a name."""
    file = file.resolve()
    parts = [file.stem]
    folder = file.parent
    while (folder / '__init__.py').is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return '.'.join(parts) if all(part.isidentifier() for part in parts) else None


def _is_checkout(root: Path) -> bool:
    # Installed packages have no setup.py beside them.
    return (
        root.name not in _SITE_FOLDERS
        and (root / _SETUP).is_file()
        and _ros_package_name(root) == 'hos_device_layer'
    )


def _installation_folders(site: Path) -> Iterator[Path]:
    """Yield the folders that hold the installation of this project: modules, then shared files."""
    yield site
    for prefix in site.parents:
        if (prefix / 'share' / 'hos_device_layer').is_dir():
            yield prefix
            return


def _package_folder(root: Path) -> Path | None:
    """Return the folder with the modules of the package whose root this is, if it is one."""
    if not any((root / name).is_file() for name in _PACKAGE_FILES):
        return None
    folders = [
        file.parent
        for source in (root, root / 'src')
        for file in sorted(source.glob('*/__init__.py'))
        if file.parent.name not in _NOT_INSTALLED
    ]
    for folder in folders:
        if folder.name in (_ros_package_name(root), root.resolve().name):
            return folder
    if len(folders) > 1:
        names = ', '.join(str(folder.relative_to(root)) for folder in folders)
        raise OutputError(
            f'{root} has more than one package folder ({names}); '
            f'choose one: --output {folders[0].relative_to(root) / FILE_NAME}'
        )
    return folders[0] if folders else None


def _ros_package_name(root: Path) -> str | None:
    try:
        text = (root / _PACKAGE_XML).read_text(encoding='utf-8')
    except (OSError, UnicodeError):
        return None
    match = re.search(r'<name>\s*([\w-]+)\s*</name>', text)
    return match[1] if match else None
