"""An exception in a program that uses the device API does not end it; each in a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from project import ROOT
from raising_callbacks import KINDS

PROGRAM = ROOT / 'test' / 'support' / 'raising_callbacks.py'

CALLBACKS = [kind for kind in KINDS if 'callback' in kind]


@pytest.mark.parametrize(
    ('kind', 'executor'),
    [(kind, 'events') for kind in KINDS] + [(kind, 'single-threaded') for kind in CALLBACKS],
)
def test_the_program_goes_on_and_the_exception_is_logged(kind: str, executor: str) -> None:
    environment = os.environ | {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}
    run = subprocess.run(
        [sys.executable, str(PROGRAM), kind, executor],
        env=environment,
        capture_output=True,
        text=True,
    )
    # Fast DDS writes complaints about shared memory to the same stream.
    assert (run.returncode, run.stdout[-9:]) == (0, 'survived\n'), run.stdout + run.stderr
    mistake = 'ValueError: a mistake of the user'
    failed = "CallFailedError: 'fails' of 'D1': the lid is open"
    refused = "CallFailedError: 'refused' of 'D1': no device 'D1'"
    expected = {'failed call in a task': failed, 'refused call in a timer': refused}
    expected['call in a task that was done before'] = refused
    wrong = "ValueMismatchError: 'finishes_later': n: "
    expected |= dict.fromkeys(('wrong argument in a task', 'wrong argument in a timer'), wrong)
    assert run.stderr.count('Traceback') == 1
    assert expected.get(kind, mistake) in run.stderr
