"""What commands print for people."""

from __future__ import annotations

from rich.console import Console


class OutputConsole(Console):
    """A console that raises BrokenPipeError when its reader has ended; `main` handles it."""

    def on_broken_pipe(self) -> None:
        """Leave it to `main`, as for `print`."""
        raise BrokenPipeError


class CallbackConsole(Console):
    """A console for ROS callbacks, whose exceptions rclpy would log: it notes a missing reader."""

    has_reader = True

    def on_broken_pipe(self) -> None:
        """Print nothing more."""
        self.quiet = True
        self.has_reader = False
