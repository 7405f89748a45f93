import os
import shlex
import sys
from pathlib import Path

from setuptools import find_packages, setup

NAME = 'hos_device_layer'

# What each part needs beyond the device SDK.
EXTRAS = {
    'airtable': ['pyairtable>=3.5', 'pyyaml', 'requests', 'rich', 'urllib3'],
    'commands': ['pyyaml', 'rich'],
    'gateway': ['aiohttp', 'cbor2', 'pyyaml'],
    'generator': ['jinja2', 'pyyaml'],
    'host': ['httpx', 'pyserial', 'zeroconf'],
}


# The folder of commands that colcon adds to PYTHONPATH when it runs this file.
COLCON_COMMANDS = 'colcon_distutils_commands'

NO_INTERFACES = f"""\
{NAME} cannot be built: hos_interfaces was not found.
It is a package inside this one, where colcon does not look. In the workspace, run once:
  ln -s {shlex.quote(f'{Path(__file__).resolve().parent.name}/hos_interfaces')} src/
(src/ is the folder that contains {NAME}). Then run `colcon build` again."""


def check_interfaces() -> None:
    """End a build by colcon that lacks hos_interfaces; every program would fail to start."""
    by_colcon = COLCON_COMMANDS in os.environ.get('PYTHONPATH', '')
    if not by_colcon or not {'develop', 'install'} & set(sys.argv):
        return
    # colcon adds the packages that it has built, so this finds those of the same workspace, too.
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    index = 'share/ament_index/resource_index/packages/hos_interfaces'
    if not any(Path(prefix, index).is_file() for prefix in prefixes if prefix):
        sys.exit(NO_INTERFACES)


def files(folder: str, pattern: str) -> tuple[str, list[str]]:
    return f'share/{NAME}/{folder}', sorted(str(path) for path in Path(folder).glob(pattern))


check_interfaces()
setup(
    name=NAME,
    version='0.1.0',
    description='Connect any device to ROS 2, and call it like a function.',
    maintainer='The hos_device_layer maintainers',
    maintainer_email='maintainers@hos-device-layer.org',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['hos_*'], exclude=['hos_interfaces*']),
    # Typing markers, and what lies beside the code that reads it.
    package_data={'': ['py.typed', '*.j2', '*.jinja', '*.html', '*.css', '*.js', '*.xml']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        files('config', '*.yaml'),
        files('device_db', '*.yaml'),
        files('launch', '*.launch.py'),
    ],
    # What hos_client needs; ROS 2 comes from a ROS installation, never from pip.
    install_requires=['msgspec', 'websockets'],
    extras_require={
        **EXTRAS,
        'all': sorted({name for extra in EXTRAS.values() for name in extra}),
    },
    zip_safe=False,
    entry_points={
        'console_scripts': [
            'device_manager = hos_device_layer.programs:device_manager',
            'hos = hos_device_layer.command_line.__main__:main',
            'hos_client = hos_device_layer.programs:hos_client',
            'hos_generator = hos_device_layer.programs:hos_generator',
            'hos_host = hos_device_layer.programs:hos_host',
            'simulated_fleet = hos_device_layer.programs:simulated_fleet',
        ],
    },
)
