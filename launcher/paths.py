"""Where the parts of the set-up are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LAUNCHER = PROJECT / 'hos'
STATE = PROJECT / '.hos'
REQUIREMENTS = PROJECT / 'requirements'
INTERFACES = PROJECT / 'hos_interfaces'


@dataclass(frozen=True)
class SetupFolders:
    """The folders that the set-up fills, one folder per step."""

    root: Path

    @property
    def installer(self) -> Path:
        """Folder of the package installer, uv."""
        return self.root / 'installer'

    @property
    def uv(self) -> Path:
        """Executable of the package installer."""
        return self.installer / 'bin' / 'uv'

    @property
    def venv(self) -> Path:
        """Virtual environment with the Python packages, and ROS 2 if none is sourced."""
        return self.root / 'venv'

    @property
    def python(self) -> Path:
        """Interpreter that runs the project."""
        return self.venv / 'bin' / 'python'

    @property
    def interfaces(self) -> Path:
        """Install prefix of the compiled `hos_interfaces`."""
        return self.root / 'interfaces'

    @property
    def tools(self) -> Path:
        """Folder of the development tools."""
        return self.root / 'tools'


def folders_for(distro: str | None) -> SetupFolders:
    """Return the folders for a ROS distribution, or for the ROS wheels if it is None."""
    # One for each, so that terminals with and without a sourced ROS do not undo each other's work.
    return SetupFolders(STATE / (distro or 'standalone'))
