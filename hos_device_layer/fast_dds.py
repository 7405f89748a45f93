"""
Settings of Fast DDS for the programs, so that the device manager is found and answers quickly.

A Fast DDS participant announces itself before it can receive the answers, so the answers of fast
peers on the same computer are lost. It then discovers a peer with the next periodic announcement
of the peer: every 3 s by default, every 0.25 s with the profile of this module.

A new reader asks for what it missed whenever a writer tells what it has (RTPS heartbeat), 256
samples at a time: every 3 s by default, every 0.1 s with this profile. Writers keep what a reader
has not acknowledged, so without it a caller that was killed with 1,000 calls pending delayed the
first answer to every new caller by 12 s.

Fast DDS logs to the standard output by default, where commands print their results.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

_PROFILE = Path(__file__).with_name('fast_dds_profile.xml')

# The variables that name a file with settings of Fast DDS, in the order in which it reads them.
_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def choose_profile(environ: MutableMapping[str, str]) -> None:
    """
    Choose the profile for this process; must be called before ROS is initialized.

    Settings of the user have priority.
    """
    if not any(environ.get(name) for name in _VARIABLES):
        for name in _VARIABLES:
            environ[name] = str(_PROFILE)
