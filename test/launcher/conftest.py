"""Projects on which the launcher is tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_project import FakeProject


@pytest.fixture
def project(tmp_path: Path) -> FakeProject:
    return FakeProject(tmp_path)


@pytest.fixture
def ready(project: FakeProject) -> FakeProject:
    """A project that is set up."""
    result = project.run()
    assert result.returncode == 0, result.stderr
    project.calls()
    return project
