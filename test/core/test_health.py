"""The state of the device manager as a whole: one line with every reason, the worst first."""

from __future__ import annotations

import pytest
from msgspec import structs
from virtual_fleet import make_spec

from hos_device_layer.core.health import Finding, Severity, spec_findings, summarize
from hos_device_layer.core.spec.records import Spec
from hos_device_layer.core.spec.tables import Problem

PROBLEM = Problem('apis', 'go', 'arguments', 'unknown type')
PORT = Finding(Severity.ERROR, 'the port is in use')
COPY = Finding(Severity.WARN, 'the copy is old')


def test_without_findings_it_is_running() -> None:
    assert summarize([]) == Finding(Severity.OK, 'running')


@pytest.mark.parametrize('findings', [[COPY, PORT], [PORT, COPY]])
def test_all_findings_are_told_and_the_worst_counts(findings: list[Finding]) -> None:
    expected = Finding(Severity.ERROR, 'the port is in use; the copy is old')
    assert summarize(findings) == expected


def test_a_good_specification_has_no_findings() -> None:
    assert spec_findings(make_spec(), 'lab') == []


def test_an_empty_specification_is_an_error() -> None:
    (finding,) = spec_findings(Spec(), 'lab')
    assert finding.severity is Severity.ERROR
    assert finding.text.startswith('no specification is loaded')


def test_a_missing_fleet_is_an_error_with_the_valid_ones() -> None:
    (finding,) = spec_findings(make_spec(), 'lob')
    assert finding.severity is Severity.ERROR
    assert finding.text == ("unknown fleet 'lob'; valid fleets: lab. Set the parameter fleet")


@pytest.mark.parametrize(('count', 'text'), [(1, '1 problem in'), (2, '2 problems in')])
def test_problems_are_a_warning_besides_others(count: int, text: str) -> None:
    spec = structs.replace(make_spec(), problems=(PROBLEM,) * count)
    assert [finding.severity for finding in spec_findings(spec, 'lob')] == [
        Severity.ERROR,
        Severity.WARN,
    ]
    assert spec_findings(spec, 'lab')[0].text.startswith(text)
