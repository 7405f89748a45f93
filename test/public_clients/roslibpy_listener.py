"""
A program that subscribes with roslibpy, once for each compression. Each sample prints a line.

Usage: roslibpy_listener.py <host> <port> <compression>...
"""

import json
import sys
from functools import partial

import roslibpy


def say(step, **detail):
    print(json.dumps({'step': step, **detail}), flush=True)  # noqa: T201


def heard(compression, message):
    say('sample', compression=compression, message=message)


ros = roslibpy.Ros(sys.argv[1], int(sys.argv[2]))
ros.run()
for compression in sys.argv[3:]:
    topic = roslibpy.Topic(
        ros,
        f'/haive_os/device/uid7/stream/{compression}',
        'hos_interfaces/DeviceStream',
        compression=compression,
    )
    topic.subscribe(partial(heard, compression))
sys.stdin.read()
ros.terminate()
