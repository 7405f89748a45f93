"""What is wrong with the device manager as a whole, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from ..source_tree import HOS
from .spec.records import Spec
from .text import counted


class Severity(enum.IntEnum):
    """How much a finding matters; the values are the levels of a DiagnosticStatus."""

    OK = 0
    WARN = 1  # It works, but not as it was set up.
    ERROR = 2  # Some or all devices cannot be used.


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong: what was found, where, and what to do, on one line."""

    severity: Severity
    text: str


def summarize(findings: Iterable[Finding]) -> Finding:
    """Return one finding for all, the worst first; without any, the manager is running."""
    ordered = sorted(findings, key=lambda finding: -finding.severity)
    if not ordered:
        return Finding(Severity.OK, 'running')
    return Finding(ordered[0].severity, '; '.join(finding.text for finding in ordered))


def spec_findings(spec: Spec, fleet: str) -> list[Finding]:
    """Return what is wrong with a specification for the device manager of a fleet."""
    findings = []
    if spec == Spec():
        text = 'no specification is loaded; every device is unknown'
        findings.append(Finding(Severity.ERROR, text))
    elif fleet not in spec.fleets:
        findings.append(Finding(Severity.ERROR, _missing_fleet(spec, fleet)))
    if count := len(spec.problems):
        problems = counted(count, 'problem')
        text = f'{problems} in the specification: see the log, or run `{HOS} db check`'
        findings.append(Finding(Severity.WARN, text))
    return findings


def _missing_fleet(spec: Spec, fleet: str) -> str:
    known = ', '.join(sorted(spec.fleets)) or 'none'
    return f'unknown fleet {fleet!r}; valid fleets: {known}. Set the parameter fleet'
