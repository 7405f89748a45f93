"""Run programs as a user who owns nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

NOBODY = 65_534

needs_root = pytest.mark.skipif(os.getuid() != 0, reason='only root can run a program as another')


def run_as_nobody(
    arguments: Sequence[str | Path], environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments, to its end."""
    return subprocess.run(
        [python_for_everyone(), *arguments],
        env=environ,
        user=NOBODY,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def python_for_everyone() -> str:
    """Return an interpreter that every user can run."""
    for python in (sys.executable, shutil.which('python3', path=os.defpath)):
        with contextlib.suppress(PermissionError, TypeError):
            if subprocess.run([python, '-c', ''], user=NOBODY, check=False).returncode == 0:
                return str(python)
    pytest.skip('other users cannot run Python here')
