"""The process that answers browsers and scripts: ``python -m service.web_process``."""

from __future__ import annotations

import argparse
from pathlib import Path
from threading import Event
from types import FrameType

import uvicorn

from archive.settings import Settings
from extraction.errors import FormloopError
from service.api.app import create_app
from service.api.context import Service
from service.first_start import prepare
from service.terminal import say_error
from workers.logs import write_json_logs

STOP_S = 8
"""How long open answers may take to end."""
FAILED_START_EXIT = 3


class StreamEndingServer(uvicorn.Server):
    """Ends the streams of live progress when it is told to stop: it would wait for them."""

    def __init__(self, config: uvicorn.Config, stopping: Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("service.web_process", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--behind-proxy",
        metavar="ADDRESSES",
        default="127.0.0.1",
        help="whose word is taken on where a request comes from",
    )
    given = parser.parse_args(arguments)
    write_json_logs("web")
    settings = Settings.from_environment(given.data)
    try:
        prepare(settings, settings.public_url)
    except FormloopError as error:
        say_error(str(error))
        return 1
    app = create_app(settings)
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        host=given.host,
        port=given.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=given.behind_proxy,
        timeout_graceful_shutdown=STOP_S,
    )
    server = StreamEndingServer(config, service.stopping)
    server.run()
    return 0 if server.started else FAILED_START_EXIT


if __name__ == "__main__":
    raise SystemExit(main())
