"""What goes wrong around a queue, done on purpose."""

from __future__ import annotations

import sqlite3
import time

from tests.workers.rig import Rig


def lock_sqlite(rig: Rig, seconds: float) -> None:
    """Another program has the database for itself."""
    file = rig.folder / "formloop.db"
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()
