"""
A fake Airtable server on a loopback port, for the parts of the Airtable API that are used here.

In a test:

    with running_airtable() as airtable:
        subprocess.run(['./hos', 'db', 'init'], env={**os.environ, **airtable.environment})
        airtable.set_cell('fleet-demo', 'H4001', 'device_uid', 17)

In a terminal: `python -m hos_device_layer.testing.airtable`.
"""

from ...exit_signals import exit_on_signals, is_program

if is_program('hos_device_layer.testing.airtable'):
    # Before the other imports, which take up to a second.
    exit_on_signals()

from .errors import AirtableApiError
from .faults import Fault
from .model import StoredBase
from .rate_limit import RequestRateLimit
from .running import RunningAirtable, find_row, running_airtable

__all__ = [
    'AirtableApiError',
    'Fault',
    'RequestRateLimit',
    'RunningAirtable',
    'StoredBase',
    'find_row',
    'running_airtable',
]
