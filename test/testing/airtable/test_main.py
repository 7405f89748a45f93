"""The fake Airtable in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import requests
from project import ROOT


def test_it_runs_in_a_terminal() -> None:
    process = subprocess.Popen(
        [sys.executable, '-m', 'hos_device_layer.testing.airtable', '--rate-limit'],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert process.stdout is not None
    with process.stdout:
        lines = [process.stdout.readline() for _ in range(4)]
        environment = dict(line.removeprefix('export ').strip().split('=') for line in lines[:3])
        answer = requests.get(
            f'{environment["AIRTABLE_ENDPOINT_URL"]}/v0/meta/bases/'
            f'{environment["AIRTABLE_BASE_ID"]}/tables',
            headers={'Authorization': f'Bearer {environment["AIRTABLE_API_KEY"]}'},
            timeout=10,
        )
        assert answer.json() == {'tables': []}
        process.terminate()
        assert process.wait(10) == 0
