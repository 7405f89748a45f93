"""The installed programs whose dependencies may be missing: they say what to install."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .dependencies import CANNOT_RUN, missing_dependency
from .exit_signals import exit_on_signals


def device_manager() -> Any:
    """Run the device manager."""
    exit_on_signals()
    return _run('device_manager', 'hos_device_layer.device_manager')


def simulated_fleet() -> Any:
    """Run the simulated ROS devices."""
    exit_on_signals()
    return _run('simulated_fleet', 'hos_device_layer.testing.simulated_fleet')


def hos_generator() -> Any:
    """Run the generator of typed helpers."""
    exit_on_signals(is_regular_end=False)
    return _run('hos_generator', 'hos_generator.__main__')


def hos_client() -> Any:
    """Run the demo device."""
    exit_on_signals()
    return _run('hos_client', 'hos_client.__main__')


def hos_host() -> Any:
    """Run the device host."""
    exit_on_signals()
    return _run('hos_host', 'hos_client.host.__main__')


def _run(program: str, module: str) -> Any:
    """Run `main` of a module; returns what it returns, or an exit code if it cannot run here."""
    try:
        return importlib.import_module(module).main()
    except ModuleNotFoundError as error:
        print(missing_dependency(program, error), file=sys.stderr)  # noqa: T201
        return CANNOT_RUN
