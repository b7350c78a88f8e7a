from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.errors import Refused
from archive.settings import Settings
from service.first_start import ADMIN_FILE, prepare, renew_url
from service.up import LONGEST_PAUSE_S, ChildSpec, Crew, pause_after
from service.up_command import READER_BYTES, service_specs, stop_rank, workers_that_fit
from workers.train_process import can_train

ROOT = Path(__file__).resolve().parent.parent.parent
SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True);"
    " time.sleep(600)",
)


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew()
    yield made
    made.stop(lambda _: 0, lambda: True)


def pid_of(crew: Crew, number: int = 0) -> int:
    process = crew.children[number].process
    assert process is not None
    return process.pid


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return False


def test_child_that_dies_is_started_again(crew: Crew) -> None:
    crew.add(ChildSpec("sleeper", SLEEPER))
    first = pid_of(crew)
    os.kill(first, signal.SIGKILL)

    def second_is_there() -> bool:
        crew.look()
        process = crew.children[0].process
        return process is not None and process.pid != first and process.poll() is None

    until(second_is_there)
    assert crew.children[0].deaths == 1


def test_child_that_dies_at_once_is_started_less_and_less_often(crew: Crew) -> None:
    crew.add(ChildSpec("broken", (sys.executable, "-c", "raise SystemExit(3)")))

    def died_twice() -> bool:
        crew.look()
        return crew.children[0].deaths == 2

    until(died_twice, 20)
    pauses = [pause_after(deaths) for deaths in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 1
    assert pauses[-1] == LONGEST_PAUSE_S


def test_children_stop_in_turn(tmp_path: Path, crew: Crew) -> None:
    note = (
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    open(sys.argv[1], 'a').write(sys.argv[2] + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); time.sleep(600)"
    )
    file = tmp_path / "order"
    for name in ("redis", "extract-1", "web"):
        crew.add(ChildSpec(name, (sys.executable, "-c", note, str(file), name)))
    time.sleep(1.0)
    pids = [pid_of(crew, number) for number in range(3)]
    crew.stop(stop_rank, lambda: False)
    assert file.read_text(encoding="utf-8").split() == ["web", "extract-1", "redis"]
    assert not any(map(is_there, pids))


def test_stubborn_child_is_killed_when_its_time_is_over(crew: Crew) -> None:
    crew.add(ChildSpec("stubborn", STUBBORN, patience_s=0.3))
    time.sleep(0.5)
    pid = pid_of(crew)
    crew.stop(lambda _: 0, lambda: False)
    assert not is_there(pid)


def test_those_in_a_hurry_do_not_wait(crew: Crew) -> None:
    crew.add(ChildSpec("stubborn", STUBBORN, patience_s=600))
    time.sleep(0.5)
    started = time.monotonic()
    crew.stop(lambda _: 0, lambda: True)
    assert time.monotonic() - started < 5


@pytest.mark.skipif(sys.platform != "linux", reason="a promise for Linux only")
def test_children_end_when_their_parent_is_killed() -> None:
    code = (
        "import time; from service.up import *\n"
        f"crew = Crew([ChildSpec('sleeper', {SLEEPER!r})])\n"
        "print(crew.children[0].process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_there(child))


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 8, "1"), (8, 3, "2"), (1, 4, "1")])
def test_engines_share_the_processors(
    cores: int, workers: int, threads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.up_command.available_threads", lambda: cores)
    specs = service_specs(Settings.from_environment(tmp_path, {}), 8000, workers)
    extract = [spec for spec in specs if spec.name.startswith("extract")]
    assert len(extract) == workers
    assert {spec.environment["FORMLOOP_THREADS"] for spec in extract} == {threads}
    assert {spec.environment["OMP_NUM_THREADS"] for spec in extract} == {threads}
    assert len({spec.command for spec in extract}) == workers


def test_workers_are_as_many_as_processors_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.up_command.available_threads", lambda: 64)
    assert workers_that_fit(200 * READER_BYTES) == 64
    assert workers_that_fit(4 * READER_BYTES) == 4
    assert workers_that_fit(READER_BYTES // 2) == 1


def test_first_administrator_is_written_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    settings = Settings.from_environment(tmp_path, {})
    admin = prepare(settings, "http://127.0.0.1:8000")
    assert admin is not None
    file = tmp_path / ADMIN_FILE
    written = file.read_text(encoding="utf-8")
    assert json.loads(written) == {
        "url": "http://127.0.0.1:8000",
        "username": admin.username,
        "password": admin.password,
        "token": admin.token,
    }
    assert file.stat().st_mode & 0o777 == 0o600
    assert prepare(settings, "http://other") is None
    assert file.read_text(encoding="utf-8") == written


def test_folder_that_is_served_already_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = run_up(tmp_path, free_port())
    assert answer.returncode == 1
    assert "another formloop up is running" in answer.stderr


def test_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = run_up(tmp_path, port)
    assert answer.returncode == 1
    assert f"port {port} cannot be had" in answer.stderr


def run_up(data: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        up_command(data, port), capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
    )


def up_command(data: Path, port: int) -> list[str]:
    call = "from service.cli import main; main()"
    given = ["up", "--data", str(data), "--port", str(port), "--workers", "1"]
    return [sys.executable, "-c", call, *given]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Visitor:
    """Who talks to a service with the token of ``admin.json``."""

    def __init__(self, data: Path, port: int) -> None:
        self.port = port
        self.admin = json.loads((data / ADMIN_FILE).read_text(encoding="utf-8"))

    def ask(self, path: str, method: str = "GET", body: bytes = b"", kind: str = "") -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.admin['token']}"}
        if kind:
            headers["Content-Type"] = kind
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = json.loads(response.read())
        connection.close()
        return content if response.status < 400 else None

    def upload(self, file: Path) -> str:
        boundary = "formloop-test"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files";'
            f' filename="{file.name}"\r\nContent-Type: application/pdf\r\n\r\n'
        )
        body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        answer = self.ask(
            "/api/archives", "POST", body, f"multipart/form-data; boundary={boundary}"
        )
        assert isinstance(answer, dict)
        return str(answer["documents"][0]["id"])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FORMLOOP_DATABASE_URL", "nothing://here"),
        ("FORMLOOP_STORAGE_URL", "nothing://here"),
    ],
)
def test_an_address_of_no_known_kind_is_named(tmp_path: Path, variable: str, value: str) -> None:
    settings = Settings.from_environment(tmp_path, {variable: value})
    with pytest.raises(Refused, match=f"{variable} cannot be used"):
        prepare(settings, "http://x")


def test_scripts_are_told_of_another_port(tmp_path: Path) -> None:
    prepare(Settings.from_environment(tmp_path, {}), "http://127.0.0.1:8000")
    file = tmp_path / ADMIN_FILE
    before = json.loads(file.read_text("utf-8"))
    renew_url(file, "http://127.0.0.1:9000")
    assert json.loads(file.read_text("utf-8")) == {**before, "url": "http://127.0.0.1:9000"}
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    renew_url(file, "http://127.0.0.1:9001")
    assert not file.exists(), "its owner has removed it"


@pytest.mark.slow
def test_one_command_serves_survives_and_stops(tmp_path: Path, samples: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        up_command(tmp_path, port), stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"formloop serves http://127.0.0.1:{port}\n"
        visitor = Visitor(tmp_path, port)
        assert visitor.admin["password"] in process.stdout.readline() + process.stdout.readline()
        until(lambda: visitor.ask("/health/ready"), 120)
        document = visitor.upload(samples / "pdf" / "seed_000.pdf")
        until(lambda: state(visitor, document) in ("done", "in_review"), 120)
        assert visitor.ask(f"/api/documents/{document}/record")

        os.kill(worker_pid(tmp_path), signal.SIGKILL)
        document = visitor.upload(samples / "pdf" / "seed_001.pdf")
        until(lambda: state(visitor, document) in ("done", "in_review"), 120)
        children = child_pids(process.pid)
        assert len(children) == 4 + can_train()
    finally:
        process.terminate()
        assert process.wait(90) == 0
        process.stdout.close()
    assert not any(map(is_there, children))
    assert not (tmp_path / "redis.sock").exists()


def state(visitor: Visitor, document: str) -> object:
    answer = visitor.ask(f"/api/documents/{document}")
    return answer["state"] if isinstance(answer, dict) else None


def worker_pid(data: Path) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"workers.extract_process" in command and str(data).encode() in command:
                return int(folder.name)
    raise AssertionError("no worker runs")


def child_pids(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8")
    return [int(pid) for pid in text.split()]
