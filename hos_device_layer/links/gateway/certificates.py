"""The certificate and the key of the gateway, for TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

from .errors import GatewayError

_CERTIFICATE = 'gateway_certificate_file'
_KEY = 'gateway_key_file'


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """
    Return the context for a certificate and its key, by default in the file of the certificate.

    Raises a GatewayError that tells which file is wrong, and what to do.
    """
    _check(certificate, f'the certificate of the gateway (parameter {_CERTIFICATE})')
    if key is not None:
        _check(key, f'the key of the gateway (parameter {_KEY})')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = _Password()
    try:
        context.load_cert_chain(certificate, key, password)
    except (OSError, ValueError) as error:
        raise GatewayError(_explained(certificate, key, error, password.was_asked_for)) from None
    return context


class _Password:
    """Answers the question for the password of a key, which would wait for a terminal."""

    def __init__(self) -> None:
        self.was_asked_for = False

    def __call__(self) -> str:
        self.was_asked_for = True
        return ''


def _check(file: Path, name: str) -> None:
    try:
        with file.open('rb'):
            pass
    except OSError as error:
        raise GatewayError(
            f'{name} cannot be read: {file}: {error.strerror}; set the parameter to a PEM file '
            'that the user of the device manager may read'
        ) from None


def _explained(certificate: Path, key: Path | None, error: Exception, is_encrypted: bool) -> str:
    key_file = key or certificate
    if is_encrypted:
        return (
            f'the key of the gateway has a password: {key_file}; remove it (openssl pkey -in '
            f'{key_file} -out NEW_FILE) and set the parameter {_KEY}'
        )
    if getattr(error, 'reason', None) == 'KEY_VALUES_MISMATCH':
        return (
            f'the key of the gateway does not belong to its certificate: {certificate}, '
            f'{key_file}; set the parameters {_CERTIFICATE} and {_KEY} to files of the same '
            'certificate'
        )
    if b'-----BEGIN CERTIFICATE' not in certificate.read_bytes():
        return (
            f'the certificate of the gateway cannot be used: {certificate}: expected a PEM file '
            f'with "BEGIN CERTIFICATE", found none; set the parameter {_CERTIFICATE}'
        )
    if b'PRIVATE KEY-----' not in key_file.read_bytes():
        return (
            f'the key of the gateway cannot be used: {key_file}: expected a PEM file with "BEGIN '
            f'PRIVATE KEY", found none; set the parameter {_KEY}'
        )
    reason = getattr(error, 'reason', None) or error
    return (
        f'the certificate or key of the gateway cannot be used: {certificate}, {key_file}: '
        f'{reason}; set the parameters {_CERTIFICATE} and {_KEY}'
    )
