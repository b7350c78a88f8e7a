"""Work for processes started in tests; a process finds it by its module's name."""

from __future__ import annotations

import os
from pathlib import Path


def start() -> None:
    os.environ["CREW_STARTED"] = "yes"


def work(task: str) -> str:
    """``die`` kills its process, ``raise`` raises, ``die once PATH`` dies until PATH exists."""
    if task == "die":
        os._exit(9)
    if task == "raise":
        raise ValueError("no such thing")
    if task.startswith("die once "):
        path = Path(task.removeprefix("die once "))
        if not path.exists():
            path.touch()
            os._exit(9)
    return f"{task} {os.environ['CREW_STARTED']}"


def lost(task: str, error: BaseException) -> str:
    return f"{task} lost to {type(error).__name__}"
