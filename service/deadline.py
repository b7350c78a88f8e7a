"""A process that stands still for too long on one page ends itself.

Some files make a decoder run for ever, deep inside a library that answers no exception. The
alarm of the system ends the process all the same; who waits for it sees it die.
"""

from __future__ import annotations

import signal

PAGE_SECONDS = 300.0
"""A dense A3 page takes ten seconds on a slow machine."""


def arm(seconds: float = PAGE_SECONDS) -> None:
    """Die in ``seconds``, unless this is called again before."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def disarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
