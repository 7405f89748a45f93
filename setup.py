from pathlib import Path

from setuptools import find_packages, setup

NAME = 'hos_device_layer'


def files(folder: str, pattern: str) -> tuple[str, list[str]]:
    return f'share/{NAME}/{folder}', sorted(str(path) for path in Path(folder).glob(pattern))


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
    package_data={'': ['py.typed', '*.j2', '*.jinja', '*.html', '*.css', '*.js']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        files('config', '*.yaml'),
        files('device_db', '*.yaml'),
        files('launch', '*.launch.py'),
    ],
    # Others are in package.xml, for rosdep, and pinned in requirements/.
    install_requires=['setuptools'],
    zip_safe=False,
    entry_points={
        'console_scripts': [
            'device_manager = hos_device_layer.device_manager:main',
            'hos = hos_device_layer.command_line.__main__:main',
            'hos_generator = hos_generator.__main__:main',
            'simulated_fleet = hos_device_layer.testing.simulated_fleet:main',
        ],
    },
)
