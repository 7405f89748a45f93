"""`hos python` runs programs of users."""

from __future__ import annotations

from pathlib import Path

from hos_command import HosCommand

PROGRAM = """
import sys
import rclpy
from hos_device_layer.device_api import CallFailedError
print(sys.argv[1:])
sys.exit(3)
"""


def test_a_program_imports_ros_and_gets_its_options_and_code(
    hos: HosCommand, tmp_path: Path
) -> None:
    program = tmp_path / 'program.py'
    program.write_text(PROGRAM)
    assert hos.run('python', program, '--json', 'x=1', '-h') == (
        3,
        "['--json', 'x=1', '-h']\n",
        '',
    )
    assert hos.run('python', '-c', 'print(1)') == (0, '1\n', '')
