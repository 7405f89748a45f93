"""Loads handlers: built-in ones, entry points of installed packages, and files in folders."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hos_device_layer.core.text import shortened

from .driver import Driver
from .driver_selection import is_concrete
from .errors import HandlerError
from .interface import Interface

_log = logging.getLogger(__name__)

INTERFACE_GROUP = 'hos_device_layer.interfaces'
DRIVER_GROUP = 'hos_device_layer.drivers'

INTERFACE_FOLDER = 'interfaces'
DRIVER_FOLDER = 'drivers'

NETWORK_INTERFACE = 'hos_client.host.interfaces.network:NetworkInterface'
BUILT_IN_INTERFACES = (
    'hos_client.host.interfaces.serial_ports:SerialInterface',
    NETWORK_INTERFACE,
)
BUILT_IN_DRIVERS = (
    'hos_client.host.drivers.l1:L1Driver',
    'hos_client.host.drivers.line:LineDriver',
    'hos_client.host.drivers.json_lines:JsonLinesDriver',
    'hos_client.host.drivers.http_device:HttpDriver',
)


class LoadedHandlers(NamedTuple):
    """The handlers that were loaded, and the problems with the others."""

    interfaces: tuple[type[Interface], ...] = ()
    drivers: tuple[type[Driver], ...] = ()
    problems: tuple[str, ...] = ()


class HandlerLoader:
    """
    Loads handlers; a handler whose file has not changed stays the same class.

    Folders hold `interfaces/*.py` and `drivers/*.py`, and need not exist. Their code is executed:
    users with write access to them have the permissions of this program.
    """

    def __init__(
        self,
        interfaces: Sequence[str] = BUILT_IN_INTERFACES,
        drivers: Sequence[str] = BUILT_IN_DRIVERS,
        with_entry_points: bool = True,
    ) -> None:
        self._built_in = {INTERFACE_GROUP: interfaces, DRIVER_GROUP: drivers}
        self._with_entry_points = with_entry_points
        self._installed: LoadedHandlers | None = None
        self._files: dict[Path, tuple[bytes, LoadedHandlers]] = {}

    def load(self, folders: Iterable[Path], force: bool = False) -> LoadedHandlers:
        """Load all handlers; `force` reloads unchanged ones, too."""
        if force:
            self._files.clear()
            self._installed = None
        if self._installed is None:
            self._installed = self._load_installed()
        found = [self._installed]
        read: set[Path] = set()
        for folder in folders:
            for kind in (INTERFACE_FOLDER, DRIVER_FOLDER):
                for path in _python_files(folder / kind):
                    read.add(path)
                    found.append(self._load_file(path))
        for path in self._files.keys() - read:
            del self._files[path]
        return LoadedHandlers(
            tuple(dict.fromkeys(i for handlers in found for i in handlers.interfaces)),
            tuple(dict.fromkeys(d for handlers in found for d in handlers.drivers)),
            tuple(problem for handlers in found for problem in handlers.problems),
        )

    def _load_installed(self) -> LoadedHandlers:
        problems: list[str] = []
        interfaces = list(self._load_points(INTERFACE_GROUP, Interface, problems))
        drivers = list(self._load_points(DRIVER_GROUP, Driver, problems))
        return LoadedHandlers(tuple(interfaces), tuple(drivers), tuple(problems))

    def _load_points(self, group: str, kind: type, problems: list[str]) -> Iterator[Any]:
        points = [
            importlib.metadata.EntryPoint(text, text, group) for text in self._built_in[group]
        ]
        if self._with_entry_points:
            points += sorted(importlib.metadata.entry_points(group=group), key=lambda p: p.name)
        for point in points:
            try:
                yield _checked(point.load(), kind)
            except (Exception, SystemExit) as error:
                # Any exception during an import is reported, and the other handlers are loaded.
                problems.append(_report(f'{group} {point.value}', error))

    def _load_file(self, path: Path) -> LoadedHandlers:
        try:
            source = path.read_bytes()
        except OSError as error:
            return LoadedHandlers(problems=(_report(str(path), error),))
        known = self._files.get(path)
        if known is None or known[0] != source:
            self._files[path] = known = source, _handlers_of(path, source)
        return known[1]


def _handlers_of(path: Path, source: bytes) -> LoadedHandlers:
    try:
        module = _run(path, source)
        own = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and value.__module__ == module.__name__
        ]
        return LoadedHandlers(
            tuple(_checked(h, Interface) for h in own if _is_handler(h, Interface)),
            tuple(_checked(h, Driver) for h in own if _is_handler(h, Driver)),
        )
    except (Exception, SystemExit) as error:
        # As above: the other files are loaded.
        return LoadedHandlers(problems=(_report(str(path), error),))


def _is_handler(handler: type, kind: type) -> bool:
    # An abstract base class with subclasses in the same file is not a handler itself.
    return issubclass(handler, kind) and (is_concrete(handler) or not handler.__subclasses__())


def _report(where: str, error: BaseException) -> str:
    text = f'{where}: {type(error).__name__}: {shortened(str(error), 300)}'
    _log.warning('skipped %s', text, exc_info=error)
    return text


def _python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob('*.py') if not path.name.startswith('_'))


def _run(path: Path, source: bytes) -> types.ModuleType:
    # Compiled here, because the import system could use a stale compiled file.
    module = types.ModuleType(f'hos_handlers.{path.parent.name}.{path.stem}')
    module.__file__ = str(path)
    exec(compile(source, str(path), 'exec'), module.__dict__)  # noqa: S102 (loading code is the purpose)
    return module


def _checked(handler: Any, kind: type) -> Any:
    if not (inspect.isclass(handler) and issubclass(handler, kind)):
        raise HandlerError(f'expected a subclass of {kind.__name__}, got {handler!r}')
    if not is_concrete(handler):
        missing = ', '.join(sorted(getattr(handler, '__abstractmethods__', ())))
        raise HandlerError(f'{handler.__name__} does not implement: {missing}')
    if not getattr(handler, 'connection_type', ''):
        raise HandlerError(f'{handler.__name__} has no connection_type; set it in the class')
    return handler
