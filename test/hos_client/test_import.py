"""What importing the package needs."""

from __future__ import annotations

import subprocess
import sys


def test_import_needs_no_ros() -> None:
    program = (
        'import sys\n'
        "sys.modules['rclpy'] = None\n"
        'import hos_client\n'
        "assert 'hos_interfaces' not in sys.modules\n"
        "assert 'aiohttp' not in sys.modules\n"
        "assert 'cbor2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, '-c', program], check=True)
