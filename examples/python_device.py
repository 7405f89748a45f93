"""
A complete device in Python: a climate sensor with a function and a stream.

Run it with the address of the gateway: python examples/python_device.py ws://127.0.0.1:9091
"""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import sys
import time

from hos_client import Client, Device, DevicePool, Task, make_log_handler

# Must match the row in the fleet's table.
SENSOR = Device('C8101', 'ClimateSensor', 'climate of room 1', uid=10761107)

STREAM = 'climate'
STREAM_PERIOD_S = 1.0


def read_sensor() -> dict[str, float]:
    """Return temperature [°C] and humidity [%]; a real device would measure them."""
    swing = math.sin(time.monotonic() / 60)
    return {'temperature': round(21.5 + swing, 2), 'humidity': round(45 + 5 * swing)}


def main() -> None:
    """Run the device until Ctrl-C."""
    devices = DevicePool()
    SENSOR.add_tag('room', '1')
    devices.add(SENSOR)
    client = Client(devices, url=sys.argv[1] if sys.argv[1:] else None)
    logger = logging.getLogger('hos_client')
    logger.addHandler(make_log_handler(client.settings))
    logger.setLevel(client.settings.log_level)

    @client.command('climate_read')
    def climate_read(command: str, task: Task) -> dict[str, float]:
        # The type has serialized_api, so the command is one string.
        logger.info('task %d: %r', task.cmd_id, command)
        return {**read_sensor(), 'pressure': 1013}

    # A shell that starts a program in the background makes it ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # SIGTERM, as systemd sends it: the last results are delivered before the program ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with client, contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(STREAM_PERIOD_S)
            # Does not block, and drops samples while there is no connection.
            client.event(SENSOR, STREAM, read_sensor(), timeout=STREAM_PERIOD_S, block=False)


if __name__ == '__main__':
    main()
