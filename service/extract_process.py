"""How a process that extracts begins. The engines are loaded there, not where it is started."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.extract_job import ExtractJob, Outcome
    from service.options import Engine


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How documents are read; the same for a whole run."""

    engine: Engine | None
    model: str | None
    threads: int
    form_type: str | None
    threshold: float | None


def start() -> None:
    """Keep standard output for answers, whatever the engines print; leave ^C to the parent."""
    os.dup2(sys.stderr.fileno(), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(settings: ReaderSettings, job: ExtractJob) -> Outcome:
    outcome: Outcome = import_module("service.extract_worker").work(settings, job)
    return outcome
