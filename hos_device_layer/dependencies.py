"""What to tell a user whose environment lacks a package that a command needs."""

from __future__ import annotations

from .source_tree import is_source_tree

# The modules of ROS 2, which no package registry installs into a bare environment.
ROS_MODULES = frozenset(
    {
        'ament_index_python',
        'diagnostic_msgs',
        'hos_interfaces',
        'launch',
        'launch_ros',
        'rcl_interfaces',
        'rclpy',
        'std_msgs',
        'std_srvs',
    }
)

# Each optional module, with the extra of setup.py that installs it.
EXTRAS = {
    'aiohttp': 'gateway',
    'cbor2': 'gateway',
    'httpx': 'host',
    'jinja2': 'generator',
    'pyairtable': 'airtable',
    'requests': 'airtable',
    'rich': 'commands',
    'serial': 'host',
    'urllib3': 'airtable',
    'yaml': 'commands',
    'zeroconf': 'host',
}

# The programs that need modules of several extras, with the one that contains them all.
_PROGRAM_EXTRAS = {
    'hos db': 'airtable',
    'hos generate': 'generator',
    'hos_generator': 'generator',
}

# The exit code of a command that cannot run here.
CANNOT_RUN = 2


def missing_dependency(program: str, error: ModuleNotFoundError) -> str:
    """Return what the user must install; raises the error again if it is not a dependency."""
    module = (error.name or '').partition('.')[0]
    if module in ROS_MODULES:
        return (
            f'{program} needs ROS 2: the Python module {module!r} was not found. '
            'Source a ROS 2 workspace that contains hos_device_layer and hos_interfaces'
            f'{", or use ./hos, which installs ROS 2" if is_source_tree() else ""}.'
        )
    if module in EXTRAS:
        extra = _PROGRAM_EXTRAS.get(program, EXTRAS[module])
        return (
            f'{program} needs the Python module {module!r}, which was not found. '
            f"Install it with: pip install 'hos_device_layer[{extra}]'"
        )
    raise error
