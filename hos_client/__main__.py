"""A demo device: `python -m hos_client`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading

from hos_device_layer.exit_signals import EXIT_SIGNALS
from hos_device_layer.program_options import ProgramParser

from .client import Client
from .device import Device
from .errors import ClientError
from .log import LOGGER_NAME, make_log_handler
from .message import Task
from .pools import DevicePool


def main(arguments: list[str] | None = None) -> int:
    """Run a device that answers every command until Ctrl-C; returns the exit code."""
    options = _parser().parse_args(arguments)
    devices = DevicePool()
    devices.add(Device(options.id, options.type, options.name, uid=options.uid))
    try:
        client = Client(devices, url=options.url, token=options.token)
    except ClientError as error:
        print(f'hos_client: {error}', file=sys.stderr)  # noqa: T201
        return 2
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(make_log_handler(client.settings))
    logger.setLevel(client.settings.log_level)
    # From here on only `sigwait` takes the signals. A shell that starts a program in the
    # background makes it ignore SIGINT.
    signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_SIGNALS)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with client:
        threading.Thread(target=_serve, args=(client, logger), daemon=True).start()
        signal.sigwait(EXIT_SIGNALS)
    return 0


def _serve(client: Client, logger: logging.Logger) -> None:
    while isinstance(task := client.receive(), Task):
        logger.info('%s: %s', task.function_name, task.data)
        # Returns the arguments, which fits functions whose results are their arguments.
        data = task.data if isinstance(task.data, dict) else {}
        client.response(task, data, block=False)


def _parser() -> argparse.ArgumentParser:
    parser = ProgramParser('python -m hos_client', description=__doc__)
    parser.add_argument('--url', help='URL of the gateway; default: from hos_client.conf')
    parser.add_argument('--token', help='the output of `hos token add`')
    parser.add_argument('--id', default='W5001', help='the device_id in the fleet')
    parser.add_argument('--type', default='Balance', help='the device type')
    parser.add_argument('--name', default='demo device', help='any name')
    parser.add_argument('--uid', type=int, default=12600110, help='the device_uid in the fleet')
    return parser


if __name__ == '__main__':
    sys.exit(main())
