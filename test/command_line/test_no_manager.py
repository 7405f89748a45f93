"""The commands that need a device manager, where none runs."""

from __future__ import annotations

import re

from hos_command import HosCommand

from hos_device_layer.source_tree import HOS


def test_every_command_says_what_was_looked_for_and_what_to_do(elsewhere: HosCommand) -> None:
    domain = elsewhere.environment['ROS_DOMAIN_ID']
    sentence = (
        'no device manager answered within 5 s: expected the service /haive_os/describe_devices '
        f'(on this computer, ROS_DOMAIN_ID {domain}), found none; start a device manager with '
        f'`{HOS} up`, or set --namespace and ROS_DOMAIN_ID to those of a running one'
    )
    # At the same time, because each waits for seconds before it gives up.
    with (
        elsewhere.running('devices', '--json') as devices,
        elsewhere.running('call', 'W5001', 'balance_tare') as call,
        elsewhere.running('watch') as watch,
    ):
        assert (devices.wait(), devices.output) == (1, f'{sentence}\n')
        assert (call.wait(), call.output) == (1, f'{sentence}\n')
        watch.wait_for(re.escape(f'{sentence} (waiting for it)'))
        assert watch.stop() == 0
