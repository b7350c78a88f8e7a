"""Who saw what lately, so that a page which asks again and again is one line of the log."""

from __future__ import annotations

import threading
import time
from typing import Final

SEEN_AGAIN_SECONDS: Final = 600.0
_MOST_KEPT: Final = 10_000


class RecentSights:
    """Shared by the threads of one process."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def is_new(self, user_id: str, subject: str) -> bool:
        """Whether this is the first sight of it for some time."""
        now = time.monotonic()
        with self._lock:
            if self._until.get((user_id, subject), 0.0) > now:
                return False
            if len(self._until) >= _MOST_KEPT:
                self._until = {key: until for key, until in self._until.items() if until > now}
                if len(self._until) >= _MOST_KEPT:
                    self._until.clear()
            self._until[user_id, subject] = now + SEEN_AGAIN_SECONDS
            return True
