"""Certificates for tests of TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path


def new_certificate(certificate: Path, key: Path) -> tuple[Path, Path]:
    """Create a certificate for localhost, signed by itself, and its key."""
    openssl(
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 '
        f'-keyout {key} -out {certificate} -subj /CN=localhost '
        '-addext subjectAltName=DNS:localhost'
    )
    return certificate, key


def openssl(arguments: str) -> None:
    """Run openssl."""
    subprocess.run(['openssl', *arguments.split()], check=True, capture_output=True)
