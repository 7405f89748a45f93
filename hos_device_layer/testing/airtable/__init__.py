"""
An Airtable on a loopback port, faithful to what the device layer uses of the real one.

In a test:

    with running_airtable() as airtable:
        subprocess.run(['./hos', 'db', 'init'], env={**os.environ, **airtable.environment})
        airtable.set_cell('fleet-demo', 'H4001', 'device_uid', 17)

In a terminal: `python -m hos_device_layer.testing.airtable`.
"""

from .errors import ApiError
from .faults import Fault
from .model import Base
from .rate_limit import RateLimit
from .running import RunningAirtable, find_row, running_airtable

__all__ = [
    'ApiError',
    'Base',
    'Fault',
    'RateLimit',
    'RunningAirtable',
    'find_row',
    'running_airtable',
]
