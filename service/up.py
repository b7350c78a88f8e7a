"""Processes that belong together: started in order, begun again when they die, stopped in turn.

Children run in process groups of their own, so that ^C reaches only this process and they
are told to stop one kind after the other. On Linux they also end when this process is killed.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
SETTLED_S = 10.0
"""A process that lived this long did not die of its start: its next pause is short again."""
LOOK_EVERY_S = 0.2
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""

_log = logging.getLogger(__name__)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running. ``patience_s`` is how long it may take to stop by itself.

    What it says goes to ``log`` where one is named, else where this process speaks.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    patience_s: float = 10.0
    log: Path | None = None


@dataclass(slots=True)
class Child:
    """One spec's present process, and when it may be started again."""

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        log = self.spec.log
        with log.open("ab") if log is not None else nullcontext() as stream:
            self.process = subprocess.Popen(
                self.spec.command,
                env={**os.environ, **self.spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self.started_at = time.monotonic()
        _log.info("started", extra=_more(self))

    def revive(self) -> None:
        """Start it again when it is dead and its pause is over."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            _log.warning("ended by itself", extra=_more(self, code=self.process.returncode))
            self.deaths = 1 if now - self.started_at > SETTLED_S else self.deaths + 1
            self.not_before = now + pause_after(self.deaths)
            self.process = None
        if now >= self.not_before:
            self.start()

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, until: float) -> None:
        """Wait for its end; kill it, and all that it started, at ``until``."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("did not stop in time and is killed", extra=_more(self))
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def pause_after(deaths: int) -> float:
    """Seconds until a process is started again after ``deaths`` soon after one another."""
    return min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(deaths - 1, 10))


class Crew:
    """All children of one service, in the order of their start."""

    def __init__(self, specs: Sequence[ChildSpec] = ()) -> None:
        self.children: list[Child] = []
        self._stop = threading.Event()
        for spec in specs:
            self.add(spec)

    def add(self, spec: ChildSpec) -> Child:
        child = Child(spec)
        self.children.append(child)
        child.start()
        return child

    def watch(self) -> None:
        """Keep all of them running until ``please_stop`` is called."""
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Start again who has died."""
        for child in self.children:
            child.revive()

    def please_stop(self) -> None:
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self, order: Callable[[ChildSpec], int], hurry: Callable[[], bool]) -> None:
        """Stop all, lowest ``order`` first; where ``hurry`` turns true they are killed."""
        for rank in sorted({order(child.spec) for child in self.children}):
            group = [child for child in self.children if order(child.spec) == rank]
            for child in group:
                child.ask_to_stop()
            for child in group:
                _wait(child, hurry)


def _wait(child: Child, hurry: Callable[[], bool]) -> None:
    until = time.monotonic() + child.spec.patience_s
    while child.process is not None and child.process.poll() is None:
        if hurry() or time.monotonic() > until:
            child.wait_or_kill(0.0)
            return
        time.sleep(0.05)


def _end_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def _more(child: Child, **also: int) -> dict[str, dict[str, object]]:
    process = child.process.pid if child.process is not None else None
    return {"more": {"child": child.spec.name, "process": process, **also}}
