"""Whether a process of this machine lives: ``python -m workers.alive extract``.

For health checks of containers: the exit code is 0 where one has said so lately.
"""

from __future__ import annotations

import argparse
import platform
import sys
from datetime import timedelta

from archive.clock import utc_now
from archive.database import Database
from archive.health import find_heartbeats
from archive.settings import Settings
from extraction.errors import FormloopError

LATELY = timedelta(seconds=90)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("workers.alive", description=__doc__)
    parser.add_argument("kind", choices=("extract", "schedule", "review", "train"))
    kind = parser.parse_args(arguments).kind
    try:
        alive = is_alive(Database(Settings.from_environment().database_url), kind, platform.node())
    except FormloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if alive else 1


def is_alive(database: Database, kind: str, host: str) -> bool:
    """Whether a process of this kind on ``host``, which is part of its name, lives."""
    with database.read() as session:
        signs = find_heartbeats(session, utc_now() - LATELY)
    return any(sign.kind == kind and host in sign.owner for sign in signs)


if __name__ == "__main__":
    raise SystemExit(main())
