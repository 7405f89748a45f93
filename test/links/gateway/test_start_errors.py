"""Why the gateway cannot start: each error says what is wrong, where, and what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from certificates import new_certificate, openssl
from manager_double import running_gateway

from hos_device_layer.links.gateway import GatewayError
from hos_device_layer.links.gateway.errors import listen_error


@pytest.fixture
def files(tmp_path: Path, certificate: tuple[Path, Path]) -> dict[str, Path]:
    """Files that a user may take for the certificate or the key."""
    good, key = certificate
    _, other = new_certificate(tmp_path / 'other.pem', tmp_path / 'other_key.pem')
    found = {'good': good, 'key': key, 'other key': other, 'missing': tmp_path / 'missing.pem'}
    found['locked key'] = tmp_path / 'locked.pem'
    openssl(f'pkey -in {key} -aes256 -passout pass:secret -out {found["locked key"]}')
    found['DER'] = tmp_path / 'cert.der'
    openssl(f'x509 -in {good} -outform der -out {found["DER"]}')
    found['nonsense'] = tmp_path / 'nonsense.pem'
    found['nonsense'].write_text('nonsense')
    found['cut'] = tmp_path / 'cut.pem'
    found['cut'].write_text(good.read_text()[:200])
    found['both'] = tmp_path / 'both.pem'
    found['both'].write_text(good.read_text() + key.read_text())
    found['folder'] = tmp_path
    return found


@pytest.mark.parametrize(
    ('certificate_file', 'key_file', 'reason', 'advice'),
    [
        ('missing', 'key', 'certificate .* cannot be read: .*missing.pem: No such', 'certificate'),
        ('folder', 'key', 'certificate .* cannot be read: .*: Is a directory', 'certificate'),
        ('good', 'missing', 'key .* cannot be read: .*missing.pem: No such file', 'key'),
        ('nonsense', 'key', 'certificate .*nonsense.pem: expected a PEM file with', 'certificate'),
        ('DER', 'key', 'certificate .*cert.der: expected a PEM file with', 'certificate'),
        ('key', 'good', 'certificate .*key.pem: expected .*"BEGIN CERTIFICATE"', 'certificate'),
        ('cut', 'key', 'certificate or key .* cannot be used: .*cut.pem', 'certificate'),
        ('good', 'nonsense', 'key .*nonsense.pem: expected a PEM file with', 'key'),
        ('good', 'good', 'key .*cert.pem: expected .*"BEGIN PRIVATE KEY"', 'key'),
        ('good', None, 'key .*cert.pem: expected .*"BEGIN PRIVATE KEY"', 'key'),
        ('good', 'other key', 'key .* does not belong to its certificate', 'key'),
        ('good', 'locked key', 'key .* has a password: .*locked.pem; remove it', 'key'),
    ],
)
@pytest.mark.timeout(30)  # OpenSSL would wait for somebody to type the password
def test_a_certificate_or_key_that_cannot_be_used(
    files: dict[str, Path], certificate_file: str, key_file: str | None, reason: str, advice: str
) -> None:
    key = None if key_file is None else files[key_file]
    with (
        pytest.raises(GatewayError, match=reason) as error,
        running_gateway(certificate_file=files[certificate_file], key_file=key),
    ):
        pass
    assert f'gateway_{advice}_file' in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_key_may_be_in_the_file_of_the_certificate(files: dict[str, Path]) -> None:
    with running_gateway(certificate_file=files['both']) as (gateway, _):
        assert gateway.port


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ('address', 'reason'),
    [
        ('lab..example', 'the gateway cannot listen on lab..example port 0: .*gateway_address'),
        ('192.0.2.1', '192.0.2.1 port 0: .*set the parameter gateway_address .* or 0.0.0.0'),
    ],
)
def test_an_address_that_cannot_be_one(address: str, reason: str) -> None:
    with pytest.raises(GatewayError, match=reason), running_gateway(address=address):
        pass


def test_a_port_in_use() -> None:
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        reason = f'port {port}: Address already in use.*gateway_port'
        with pytest.raises(GatewayError, match=reason), running_gateway(port=port):
            pass


def test_a_name_that_nobody_knows() -> None:
    error = listen_error('lab.example', 0, socket.gaierror(-2, 'Name or service not known'))
    assert 'lab.example port 0: Name or service not known; the name cannot be' in str(error)
    assert 'set the parameter gateway_address to an address of this computer' in str(error)


def test_a_port_that_needs_a_permission() -> None:
    error = listen_error('0.0.0.0', 443, PermissionError(13, os.strerror(13)))
    assert 'port 443: Permission denied; set the parameter gateway_port to 1024' in str(error)
