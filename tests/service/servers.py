"""The service on a real port, in a thread of the test or as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(app: FastAPI, port: int | None = None) -> Iterator[str]:
    """The address of the app, answered by a thread."""
    port = port or free_port()
    config = uvicorn.Config(
        app, port=port, log_level="error", timeout_graceful_shutdown=1, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def web_process(data: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a web process over ``data``, and the process."""
    port = free_port()
    command = [sys.executable, "-m", "service.web_process", "--data", str(data)]
    environment = {**os.environ, "FORMLOOP_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(
        [*command, "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx.get(f"{url}/health/live", timeout=2.0)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers at {url}")
