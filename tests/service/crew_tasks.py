"""Work for processes started in tests; a process finds it by its module's name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from service import deadline


def start() -> None:
    os.environ["CREW_STARTED"] = "yes"


def work(task: str) -> str:
    """``die`` kills its process, ``raise`` raises, ``die once PATH`` dies until PATH exists,
    ``hang`` stands still with a deadline of half a second."""
    if task == "hang":
        deadline.arm(0.5)
        time.sleep(60)
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
