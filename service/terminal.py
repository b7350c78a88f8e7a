"""Where the command line speaks: answers go to standard output, all else to standard error."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

# A pipe has no width; tables need one that holds a form's widest group.
_PIPE_WIDTH = 140


def answers() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def messages() -> Console:
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def say_error(line: str) -> None:
    """One line, whatever the message holds, never wrapped so that it can be searched."""
    one_line = " ".join(line.split())
    messages().print(Text(f"error: {one_line}", style="red"), soft_wrap=True)
