"""``formloop up``: the whole service on one machine, in one command."""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from archive.errors import Refused
from archive.people import FirstAdministrator
from archive.settings import DEFAULT_PUBLIC_URL, Settings
from extraction.engines import available_threads
from extraction.errors import FormloopError
from service.first_start import ADMIN_FILE, prepare, renew_url, tell_label_studio
from service.options import UpOptions
from service.studio import Studio, find_studio, say_how_it_stands
from service.terminal import answers, messages, say_error
from service.up import ChildSpec, Crew
from workers.logs import write_json_logs
from workers.redis_server import find_socket, redis_command, socket_to_url, wait_for_redis
from workers.road import THREADS_VARIABLE
from workers.train_process import can_train

HOST = "127.0.0.1"
READER_BYTES = int(1.3 * 2**30)
"""Memory of one process with its engines, with room for a large page."""
STEP_PATIENCE_S = 60.0
"""How long a worker may take to finish the step that it holds when it is told to stop."""
START_S = 60.0
REDIS_S = 20.0
REDIS = "redis"
REVIEW = "review"
TRAIN = "train"


def run(options: UpOptions) -> int:
    """Start all, keep it running, stop it on ^C or SIGTERM; the exit code."""
    write_json_logs("up")
    try:
        settings = Settings.from_environment(options.data)
        settings.data.chmod(0o700)
        with only_one(settings.data):
            check_port(options.port)
            return _serve(settings, options)
    except (FormloopError, OSError) as error:
        say_error(str(error))
        return 1


def _serve(settings: Settings, options: UpOptions) -> int:
    if sys.stderr.isatty():
        messages().print("starting…")
    url = _public_url(settings, options.port)
    settings = replace(settings, public_url=url)
    studio = _studio(settings, options)
    admin = prepare(settings, url)
    if admin is None:
        renew_url(settings.data / ADMIN_FILE, url)
    crew = Crew()
    hurry = _stop_on_signals(crew)
    server = find_socket(settings.data) if settings.redis_url is None else None
    try:
        if server is not None:
            settings = replace(settings, redis_url=socket_to_url(server))
            crew.add(ChildSpec(REDIS, redis_command(server)))
        wait_for_redis(settings.redis_url or "", REDIS_S)
        workers = options.workers or workers_that_fit()
        specs = service_specs(settings, options.port, workers, studio)
        for spec in specs:
            crew.add(spec)
        if _wait_for_web(crew, options.port):
            _greet(settings, admin, url)
            if studio is not None:
                _greet_for_studio(settings, studio, crew)
        crew.watch()
    finally:
        crew.stop(stop_rank, lambda: len(hurry) > 1)
        _forget(server, settings.data)
    return 0


def service_specs(
    settings: Settings, port: int, workers: int, studio: Studio | None = None
) -> tuple[ChildSpec, ...]:
    """Web, scheduler, and as many extract workers, which share the processors; with a Label
    Studio also the review process, and it itself where it is our own; the training process
    where the extra ``train`` is installed."""
    environment = {
        "FORMLOOP_REDIS_URL": settings.redis_url or "",
        "FORMLOOP_PUBLIC_URL": settings.public_url,
        **(studio.environment if studio is not None else {}),
    }
    threads = str(max(1, available_threads() // workers))
    shared = {**environment, THREADS_VARIABLE: threads, "OMP_NUM_THREADS": threads}
    data = ("--data", str(settings.data))
    web = _python("service.web_process", *data, "--host", HOST, "--port", str(port))
    host = socket.gethostname()
    return (
        ChildSpec("web", web, environment, 15.0),
        ChildSpec("schedule", _python("workers.schedule_process", *data), environment, 20.0),
        *(
            ChildSpec(
                f"extract-{number}",
                _python("workers.extract_process", *data, "--name", f"extract-{number}.{host}"),
                shared,
                STEP_PATIENCE_S,
            )
            for number in range(1, workers + 1)
        ),
        *((studio.spec,) if studio is not None and studio.spec is not None else ()),
        *(
            (ChildSpec(REVIEW, _python("workers.review_process", *data), environment, 20.0),)
            if studio is not None
            else ()
        ),
        *(
            (ChildSpec(TRAIN, _python("workers.train_process", *data), environment, 20.0),)
            if can_train()
            else ()
        ),
    )


def workers_that_fit(memory_bytes: int | None = None) -> int:
    """One worker per processor, as far as the memory reaches; at least one."""
    memory = memory_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(available_threads(), memory // READER_BYTES))


def stop_rank(spec: ChildSpec) -> int:
    """First who brings in work, last what all others talk to."""
    return {"web": 0, "schedule": 0, REVIEW: 0, TRAIN: 0, REDIS: 2}.get(spec.name, 1)


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Refused while another ``formloop up`` serves this folder."""
    with (data / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another formloop up is running on {data}") from None
        yield


def check_port(port: int) -> None:
    """Refused when someone else listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Refused(f"port {port} cannot be had: {error.strerror}") from error


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _studio(settings: Settings, options: UpOptions) -> Studio | None:
    studio = find_studio(settings, options.label_studio, options.label_studio_port, _say)
    if studio is not None and studio.spec is not None:
        check_port(options.label_studio_port)
    return studio


def _say(line: str) -> None:
    messages().print(line, markup=False, highlight=False, soft_wrap=True)


def _public_url(settings: Settings, port: int) -> str:
    if settings.public_url != DEFAULT_PUBLIC_URL:
        return settings.public_url
    return f"http://{HOST}:{port}"


def _stop_on_signals(crew: Crew) -> list[int]:
    """The signals received so far: the second one is for those in a hurry."""
    received: list[int] = []

    def stop(number: int, _frame: object) -> None:
        received.append(number)
        crew.please_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return received


def _wait_for_web(crew: Crew, port: int) -> bool:
    until = time.monotonic() + START_S
    while not crew.stopping and time.monotonic() < until:
        if _answers(port):
            return True
        crew.look()
        time.sleep(0.1)
    return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    return False


def _greet(settings: Settings, admin: FirstAdministrator | None, url: str) -> None:
    out = answers()
    out.print(f"formloop serves {url}", markup=False, highlight=False)
    if admin is None:
        out.print(f"data: {settings.data}", markup=False, highlight=False)
        return
    out.print(
        f"user: {admin.username}\npassword: {admin.password}\n"
        f"(also in {settings.data / ADMIN_FILE}, with a token for scripts)",
        markup=False,
        highlight=False,
    )


def _greet_for_studio(settings: Settings, studio: Studio, crew: Crew) -> None:
    """Its address and who may come in; whether it can be used is said once it answers."""
    account = studio.account
    lines = [f"Label Studio: {studio.url}"]
    if account is not None:
        tell_label_studio(
            settings.data / ADMIN_FILE, studio.url, account.username, account.password
        )
        lines += [f"user: {account.username}", f"password: {account.password}"]
    answers().print("\n".join(lines), markup=False, highlight=False)
    checking = (studio, lambda: crew.stopping, _say)
    threading.Thread(target=say_how_it_stands, args=checking, daemon=True).start()


def _forget(server: Path | None, data: Path) -> None:
    """Remove the socket, and the folder it needed where the data folder's path is long."""
    if server is not None:
        server.unlink(missing_ok=True)
        if server.parent != data.absolute():
            shutil.rmtree(server.parent, ignore_errors=True)
