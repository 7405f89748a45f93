"""The host as a program: `python -m hos_client.host`, also `hos host`."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from hos_device_layer.exit_signals import EXIT_SIGNALS
from hos_device_layer.parent_process import end_with_parent
from hos_device_layer.paths import user_path
from hos_device_layer.program_options import ProgramParser

from ..client import Client
from ..errors import ClientError
from ..log import LOGGER_NAME, make_log_handler
from ..pools import DevicePool
from .capture import Capture
from .device_registry import DeviceState, Report
from .downloads import HostDownloads
from .errors import HostError
from .host import Host
from .interfaces.serial_ports import SerialInterface
from .loading import BUILT_IN_INTERFACES, NETWORK_INTERFACE, HandlerLoader
from .provisioner import Provisioner
from .serial_port import add_tap, remove_tap

# Not __name__, which is __main__ here.
_log = logging.getLogger('hos_client.host')

# No caller waits for deliveries, but an unplugged device is unregistered only after them [s].
_CONFIRM_INTERVAL_S = 0.05

_WARNING_STATES = (DeviceState.WAITING, DeviceState.UNSUPPORTED, DeviceState.UNAVAILABLE)
_TRANSIENT_STATES = (DeviceState.NEW, DeviceState.STARTING)


def main(arguments: list[str] | None = None, program: str = 'python -m hos_client.host') -> int:
    """Run a host until Ctrl-C or SIGTERM; returns the exit code."""
    options = _parser(program).parse_args(arguments)
    try:
        if options.list:
            _list_ports()
        elif options.reload:
            _reload(options.state)
        else:
            with _single_host(options.state):
                _serve(options)
    except (ClientError, OSError) as error:
        print(f'{program}: {error}', file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = ProgramParser(
        program,
        description='Connect the local devices of this computer, on serial ports and on the '
        'network, to the device manager.',
        epilog='docs/drivers.md explains how to add a driver.',
    )
    parser.add_argument('--url', help='URL of the gateway; default: from hos_client.conf')
    parser.add_argument('--token', help='the output of `hos token add`')
    parser.add_argument(
        '--handlers',
        type=user_path,
        action='append',
        default=[],
        metavar='FOLDER',
        help='a folder with interfaces/*.py and drivers/*.py; may be repeated',
    )
    parser.add_argument(
        '--capture', type=user_path, metavar='FILE', help='record every byte of the serial ports'
    )
    parser.add_argument(
        '--no-network',
        dest='network',
        action='store_false',
        help='do not discover devices on the network (mDNS)',
    )
    parser.add_argument(
        '--allow-unencrypted-handlers',
        action='store_true',
        help='download handlers from the device manager over an unencrypted connection',
    )
    parser.add_argument(
        '--state',
        type=user_path,
        default=_state_folder(),
        metavar='FOLDER',
        help='folder for downloads and the lock of the host; default: %(default)s',
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        '--reload', action='store_true', help='make the running host reload every handler'
    )
    instead.add_argument(
        '--list',
        action='store_true',
        help='list the serial ports and the names that serial_info can use',
    )
    return parser


def _serve(options: argparse.Namespace) -> None:
    devices = DevicePool()
    client = Client(
        devices,
        url=options.url,
        token=options.token,
        on_connect=lambda: provisioner.fetch_now(),
        confirm_interval_s=_CONFIRM_INTERVAL_S,
    )
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(make_log_handler(client.settings))
    logger.setLevel(client.settings.log_level)
    host = Host(client, _log_report)
    downloads = HostDownloads(client.settings, options.state, options.allow_unencrypted_handlers)
    interfaces = [i for i in BUILT_IN_INTERFACES if options.network or i != NETWORK_INTERFACE]
    loader = HandlerLoader(interfaces)
    # Excludes imported code from garbage collection, whose pauses would delay every device.
    loader.load(())
    gc.freeze()
    provisioner = Provisioner(host, downloads, options.handlers, loader)
    # This thread alone waits for the signals, below. A shell that starts a program in the
    # background makes it ignore SIGINT.
    signals = {*EXIT_SIGNALS, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_with_parent()
    with _capturing(options.capture), client:
        host.start()
        provisioner.start()
        while signal.sigwait(signals) == signal.SIGHUP:
            provisioner.reload()
        provisioner.stop()
        host.stop()


def _log_report(report: Report) -> None:
    if report.state in _TRANSIENT_STATES:
        return
    level = logging.WARNING if report.state in _WARNING_STATES else logging.INFO
    name = f'{report.device_id} ({report.identifier})' if report.device_id else report.identifier
    with_driver = f', with {report.driver}' if report.driver else ''
    reason = f': {report.reason}' if report.reason else ''
    _log.log(level, '%s is %s%s%s', name, report.state.value, with_driver, reason)


@contextlib.contextmanager
def _capturing(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    capture = Capture(path)
    add_tap(capture)
    try:
        yield
    finally:
        remove_tap(capture)
        capture.close()


def _list_ports() -> None:
    for port, info in sorted(SerialInterface().get_devices().items()):
        what = ' '.join(text for text in (info['manufacturer'], info['product']) if text)
        print(port, what)  # noqa: T201
        for name in info['names']:
            print(f'    serial_info: {name}')  # noqa: T201


@contextlib.contextmanager
def _single_host(folder: Path) -> Iterator[None]:
    """Hold the lock of the state folder; raises HostError if another host holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock_file(folder).open('a+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HostError(
                f'a host is already running with the state folder {folder}; stop it, or choose '
                'another folder with --state'
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _reload(folder: Path) -> None:
    no_host = f'no host is running with the state folder {folder}'
    try:
        with _lock_file(folder).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                # The host that holds the lock has written its process id.
                os.kill(int(file.read()), signal.SIGHUP)
                return
    except (FileNotFoundError, ProcessLookupError, ValueError):
        raise HostError(no_host) from None
    raise HostError(no_host)


def _lock_file(folder: Path) -> Path:
    return folder / 'host.lock'


def _state_folder() -> Path:
    return (
        user_path(os.environ.get('XDG_STATE_HOME') or '~/.local/state')
        / 'hos_device_layer'
        / 'host'
    )


if __name__ == '__main__':
    sys.exit(main())
