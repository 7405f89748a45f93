"""
Lets other processes discover the device manager quickly.

A Fast DDS participant announces itself before it can receive the answers, so the answers of fast
peers on the same computer are lost. It then discovers a peer with the next periodic announcement
of the peer: every 3 s by default, every 0.25 s with the profile of this module.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

_PROFILE = Path(__file__).with_name('discovery_profile.xml')

# The variables that name a file with settings of Fast DDS, in the order in which it reads them.
_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def announce_often(environ: MutableMapping[str, str]) -> None:
    """
    Choose the profile for this process; must be called before ROS is initialized.

    Settings of the user have priority.
    """
    if not any(environ.get(name) for name in _VARIABLES):
        for name in _VARIABLES:
            environ[name] = str(_PROFILE)
