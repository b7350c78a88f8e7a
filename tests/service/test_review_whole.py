"""From a scan with errors to its corrected record: real reader, Redis, Label Studio, Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from extraction.declarations import load_declarations
from extraction.values import Box
from tests.annotation.studio import RunningStudio, running_studio
from tests.service.annotator import Annotator
from tests.service.chromium import open_browser
from tests.service.planted_road import DELETED, DRAWN, MOVED, RETYPED
from tests.service.servers import free_port
from workers.review_process import SWEEP_EVERY_S
from workers.road import ROAD_VARIABLE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
FORM = "project_self_evaluation"
SCAN = "seed_000"
LONGEST_S = 300.0
"""For a page by the real engines, on a machine that others share."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Service:
    """A running ``formloop up`` beside a Label Studio that runs elsewhere."""

    http: httpx.Client
    studio: RunningStudio
    studio_http: httpx.Client
    scan: Path

    def upload(self, salt: str) -> str:
        """The id of a document that was not there before."""
        body = self.scan.read_bytes() + f"\n% {salt}\n".encode()
        files = {"files": (f"{salt}.pdf", body, "application/pdf")}
        made = self.http.post("/api/archives", files=files, data={"name": salt}).json()
        return str(made["documents"][0]["id"])

    def wait_for_task(self, document: str) -> int:
        """The project in Label Studio that holds a task more than before."""
        until(lambda: self.state(document) == "in_review", LONGEST_S, "it is read")
        return until(self.find_project, LONGEST_S, "the task is in Label Studio")

    def find_project(self) -> int | None:
        listed = self.studio_http.get("/api/projects/", params={"page_size": 100}).json()
        waiting = [
            one
            for one in listed["results"]
            if FORM in one["description"] and one["task_number"] > one["num_tasks_with_annotations"]
        ]
        return int(waiting[0]["id"]) if waiting else None

    def silence_webhooks(self) -> None:
        for hook in self.studio_http.get("/api/webhooks/").json():
            self.studio_http.delete(f"/api/webhooks/{hook['id']}/")

    def state(self, document: str) -> str:
        return str(self.http.get(f"/api/documents/{document}").json()["state"])

    def record(self, document: str) -> dict[str, Any]:
        return dict(self.http.get(f"/api/documents/{document}/record").json())

    def corrections(self, document: str) -> list[dict[str, Any]]:
        history = self.http.get(f"/api/documents/{document}/history").json()
        events = history["events"] if isinstance(history, dict) else history
        return [one for one in events if "correct" in str(one["kind"])]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """Of its own, since it is killed."""
    with running_studio(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="module")
def service(
    studio: RunningStudio, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-c", "from service.cli import main; main()", "up", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--data", str(data), "--port", str(free_port())],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            ROAD_VARIABLE: "tests.service.planted_road:build_road",
            "FORMLOOP_LABEL_STUDIO_URL": studio.url,
            "FORMLOOP_LABEL_STUDIO_TOKEN": studio.account.token,
        },
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("formloop serves http://127.0.0.1:")
        admin = json.loads((data / "admin.json").read_text("utf-8"))
        ours = {"Authorization": f"Bearer {admin['token']}"}
        theirs = {"Authorization": f"Token {studio.account.token}"}
        with (
            httpx.Client(base_url=admin["url"], headers=ours, timeout=60) as http,
            httpx.Client(base_url=studio.url, headers=theirs, timeout=60) as studio_http,
        ):
            scan = samples / f"scans/{SCAN}_office200.pdf"
            yield Service(http, studio, studio_http, scan)
    finally:
        process.terminate()
        process.wait(90)
        process.stdout.close()


@pytest.fixture(scope="module")
def annotator(service: Service) -> Iterator[Annotator]:
    with open_browser() as browser:
        page = browser.new_page(locale="zh-CN", viewport={"width": 1600, "height": 1000})
        person = Annotator(page, service.studio.url)
        person.log_in(service.studio.account.username, service.studio.account.password)
        yield person


@pytest.fixture(scope="module")
def truth(samples: Path) -> dict[str, str]:
    content = json.loads((samples / f"truth/{SCAN}.json").read_text("utf-8"))
    return dict(content["fields"])


def test_what_is_corrected_in_the_browser_is_in_the_record_at_once(
    service: Service, annotator: Annotator, truth: dict[str, str]
) -> None:
    document = service.upload("at-once")
    project = service.wait_for_task(document)
    before = service.record(document)
    moved_to = correct_all(service, annotator, project, before, truth)

    began = datetime.now(UTC)
    annotator.submit()
    after = wait_for_correction(service, document, truth, 60.0)

    assert box_of(after, MOVED).center == pytest.approx(moved_to.center, abs=8)
    assert field_of(after, MOVED)["text"] == truth[MOVED]
    assert field_of(after, DRAWN)["text"] == truth[DRAWN]
    assert field_of(after, DELETED)["text"] == "" and field_of(after, DELETED)["source"] is None
    touched = {RETYPED, MOVED, DRAWN, DELETED}
    assert texts(after, touched) == texts(before, touched), "nothing else has changed"
    assert service.state(document) == "done"
    time.sleep(2.0)  # Long enough for a second one, if it were applied twice.
    (corrected,) = service.corrections(document)
    assert datetime.fromisoformat(corrected["at"]) - began < timedelta(seconds=5)


def test_without_webhooks_the_sweep_finds_it(
    service: Service, annotator: Annotator, truth: dict[str, str]
) -> None:
    document = service.upload("swept")
    project = service.wait_for_task(document)
    annotator.open_next(project, size_of(service.record(document)))
    annotator.retype(titles()[RETYPED], truth[RETYPED])
    service.silence_webhooks()
    annotator.submit()
    wait_for_correction(service, document, truth, SWEEP_EVERY_S + 30.0)
    assert len(service.corrections(document)) == 1


def test_nothing_is_lost_when_label_studio_is_killed(
    service: Service, annotator: Annotator, truth: dict[str, str]
) -> None:
    service.studio.kill()
    document = service.upload("killed")
    until(lambda: service.state(document) == "in_review", LONGEST_S, "it is read without it")
    service.studio.start()
    service.studio.wait()
    project = service.wait_for_task(document)

    annotator.open_next(project, size_of(service.record(document)))
    annotator.retype(titles()[RETYPED], truth[RETYPED])
    service.silence_webhooks()
    annotator.submit()
    service.studio.kill()
    time.sleep(3.0)
    assert field_of(service.record(document), RETYPED)["text"] != truth[RETYPED]
    service.studio.start()
    service.studio.wait()
    wait_for_correction(service, document, truth, SWEEP_EVERY_S + 60.0)
    assert len(service.corrections(document)) == 1


def correct_all(
    service: Service,
    annotator: Annotator,
    project: int,
    record: dict[str, Any],
    truth: dict[str, str],
) -> Box:
    """Retype, move, delete and draw; where the moved box belongs."""
    named = titles()
    annotator.open_next(project, size_of(record))
    annotator.retype(named[RETYPED], truth[RETYPED])
    wrong = box_of(record, MOVED)
    right = Box(wrong.x0, wrong.top - wrong.height / 2, wrong.x1, wrong.bottom - wrong.height / 2)
    annotator.move(wrong, right)
    annotator.delete(box_of(record, DELETED))
    beside = box_of(record, "phone")
    drawn = Box(beside.x0, right.top + 4, beside.x1 - 4, right.bottom - 4)
    annotator.draw(named[DRAWN], drawn, truth[DRAWN])
    return right


def wait_for_correction(
    service: Service, document: str, truth: dict[str, str], seconds: float
) -> dict[str, Any]:
    def corrected() -> dict[str, Any] | None:
        record = service.record(document)
        return record if field_of(record, RETYPED)["text"] == truth[RETYPED] else None

    return until(corrected, seconds, "the record is corrected", pause_s=0.1)


def until(
    ask: Callable[[], Found | None], seconds: float, what: str, pause_s: float = 0.5
) -> Found:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if found := ask():
                return found
        time.sleep(pause_s)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def titles() -> dict[str, str]:
    declaration = next(one for one in load_declarations() if one.name == FORM)
    return {field.name: field.title for field in declaration.fields}


def size_of(record: dict[str, Any]) -> tuple[int, int]:
    return int(record["pages"][0]["width"]), int(record["pages"][0]["height"])


def field_of(record: dict[str, Any], path: str) -> dict[str, Any]:
    if path in record["fields"]:
        return dict(record["fields"][path])
    group, _, rest = path.partition("[")
    row, _, column = rest.partition("].")
    return dict(record["groups"][group][int(row)][column])


def box_of(record: dict[str, Any], path: str) -> Box:
    return Box(*field_of(record, path)["source"]["box"])


def texts(record: dict[str, Any], without: set[str]) -> dict[str, str]:
    once = {name: field["text"] for name, field in record["fields"].items()}
    rows = {
        f"{group}[{number}].{column}": field["text"]
        for group, items in record["groups"].items()
        for number, row in enumerate(items)
        for column, field in row.items()
    }
    return {path: text for path, text in (once | rows).items() if path not in without}
