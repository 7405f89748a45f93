"""`hos host` as a command; test/hos_client/host has what it does."""

from __future__ import annotations

from pathlib import Path

from hos_command import HosCommand


def test_it_explains_itself_under_its_own_name(hos: HosCommand) -> None:
    code, out, err = hos.run('host', '--help')
    assert (code, err) == (0, '')
    assert out.startswith('usage: hos host ')
    assert '--capture' in out


def test_its_options_reach_the_host(hos: HosCommand, tmp_path: Path) -> None:
    code, out, err = hos.run('host', '--reload', '--state', tmp_path)
    assert (code, out) == (2, '')
    assert err.startswith('hos host: ')
    assert str(tmp_path) in err
    assert hos.run('host', '--fly').code == 2


def test_the_ports_are_listed(hos: HosCommand) -> None:
    code, _, err = hos.run('host', '--list')
    assert (code, err) == (0, '')
