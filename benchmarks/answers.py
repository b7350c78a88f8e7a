"""How fast every page and API address answers with ten thousand documents in the database.

python -m benchmarks.answers [--quick]

The addresses come from the route table, so that none is left out; each is asked many times
for other documents and other words, on SQLite and, where it is installed, on PostgreSQL.
"""

from __future__ import annotations

import argparse
import io
import itertools
import math
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from PIL import Image

from archive.blobs import picture_key
from archive.clock import utc_now
from archive.health import finish_canary, send_canary
from archive.ids import new_id
from archive.people import add_user, start_web_session
from archive.settings import Settings
from archive.signing import ASKED_PICTURE_PURPOSE, sign_token
from archive.tables import ReviewState, ReviewTaskRow, Role
from benchmarks.made_documents import Made, make_documents
from benchmarks.report import Figures, Section, figures_to_markdown
from extraction.declarations import load_declarations
from models.registry import find_current
from service.api.app import create_app
from service.api.auth import SESSION_COOKIE
from service.api.context import Service
from service.api.pictures import picture_address
from tests.archive.postgres import find_binaries, running_postgres

DOCUMENTS, QUICK_DOCUMENTS = 10_000, 1_000
ASKS, QUICK_ASKS = 100, 20
ASKED_MS: Final = 200.0

PASSED_OVER: Final = {
    "/api/archives/{archive_id}/events": "a stream without an end",
    "/api/archives/{archive_id}/export": "a stream as long as the archive",
    "/api/documents/export": "a stream as long as the selection",
    "/api/training-runs/{run_id}": "no run was started",
    "/api/documents/{document_id}/review": "nothing is asked of made documents",
    "/reviews/annotations/{annotation_id}": "leads to Label Studio",
    "/reviews/{task_id}/open": "leads to Label Studio",
}

TASK_ID: Final = new_id()
_LIST: Final[tuple[Mapping[str, str], ...]] = (
    {},
    {"page": "100"},
    {"q": "{word}"},
    {"q": "{word} {other}"},
    {"q": "申报表-0{digits}"},
    {"state": "in_review"},
)
ASKED_OF: Final[Mapping[str, tuple[Mapping[str, str], ...]]] = {
    "/archives/{archive_id}": (
        *_LIST,
        {"sort": "-doubtful"},
        {"sort": "name", "page": "100"},
        {"sort": "confidence", "page": "100"},
        {"sort": "-finished"},
        {"field": "indicators.level3", "operator": "contains", "value": "{word}"},
        {"field": "project_name", "operator": "contains", "value": "{word}", "sort": "field"},
        {"field": "funds.amount", "operator": ">", "value": "{digits}", "sort": "-field"},
        {"field": "project_name", "operator": "=", "value": "{word}{other}"},
        {"field": "year", "operator": "=", "value": "2024", "q": "{word}"},
    ),
    "/api/documents": (
        *_LIST,
        {"sort": "confidence", "page": "100"},
        {"sort": "created", "descending": "true"},
        {"sort": "field:project_name", "page": "100"},
        {"archive": "{archive_id}", "q": "{word}", "sort": "field:funds.amount"},
    ),
    "/api/audit": ({}, {"page": "500"}, {"action": "saw"}, {"subject": "document:{document_id}"}),
    "/audit": ({}, {"page": "500"}, {"act": "exported"}, {"who": "reader"}),
    "/api/archives": ({}, {"name": "2026 绩效目标表"}),
    "/": ({}, {"q": "绩效"}),
    "/api/documents/{document_id}/export": tuple(
        {"format": format_} for format_ in ("xlsx", "csv", "jsonl", "zip")
    ),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Times of one address: ``first_ms`` is the very first call of a process."""

    address: str
    first_ms: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """A service with documents and somebody who may see them all."""

    app: FastAPI
    client: TestClient
    service: Service
    made: Made

    def fill(self, path: str, wanted: Mapping[str, str], number: int) -> str:
        """The ``number``-th address of this kind: every one for another document."""
        words = self.made.words
        document_id = self.made.document_ids[number * 97 % len(self.made.document_ids)]
        values = {
            "archive_id": self.made.archive_id,
            "document_id": document_id,
            "form_type": load_declarations()[0].name,
            "version": find_current().name,
            "word": words[number % len(words)],
            "other": words[(number * 7 + 3) % len(words)],
            "digits": str(1000 + number * 53 % 4000),
            "token": self._token(path),
        }
        query = urlencode({key: text.format(**values) for key, text in wanted.items()})
        filled = path.format(**{key: quote(text) for key, text in values.items()})
        return filled + (f"?{query}" if query else "")

    def _token(self, path: str) -> str:
        """Of the picture of the first document, which alone has one."""
        if not path.startswith("/asked-pictures/"):
            address = picture_address(self.service, self.made.document_ids[0], 1, 1)
            return address.rpartition("/")[2]
        secret, until = self.service.settings.secret_key, utc_now() + timedelta(hours=1)
        return sign_token(secret, ASKED_PICTURE_PURPOSE, f"{TASK_ID}/1", until)


def measure_answers(folder: Path, quick: bool = False) -> Section:
    measured = {"SQLite": measure_on(folder / "sqlite", "", quick=quick)}
    if find_binaries() is not None:
        with running_postgres() as server:
            measured["PostgreSQL"] = measure_on(folder / "postgres", server.url, quick=quick)
    return answers_section(measured, QUICK_DOCUMENTS if quick else DOCUMENTS)


def answers_section(measured: Mapping[str, Sequence[Answer]], documents: int) -> Section:
    by_address: dict[str, dict[str, Answer]] = {}
    for database, answers in measured.items():
        for answer in answers:
            by_address.setdefault(answer.address, {})[database] = answer
    rows = tuple(
        (f"`{address}`", *(cell for name in measured for cell in _cells(found.get(name))))
        for address, found in by_address.items()
    )
    slowest = ("slowest", *(cell for found in measured.values() for cell in _slowest(found)))
    heads = (f"{name} {kind}" for name in measured for kind in ("first", "p50", "p99"))
    columns = (f"ms, with {documents:,} documents; asked: p99 < {ASKED_MS:.0f}", *heads)
    data = {name: [asdict(answer) for answer in answers] for name, answers in measured.items()}
    body = figures_to_markdown(Figures(columns, (slowest, *rows)))
    return Section("answers", "Answers", body, data)


def measure_on(folder: Path, database_url: str, *, quick: bool) -> list[Answer]:
    """Every address, on a database of its own that is made first."""
    count = QUICK_DOCUMENTS if quick else DOCUMENTS
    with running_service(folder, database_url, count) as asked:
        kinds = list(find_kinds(asked.app))
        # What a process has never done takes longest: that is a figure of its own.
        first = [ask(asked, asked.fill(path, wanted, 0)) for path, wanted in kinds]
        return [
            _to_answer(
                _kind_to_address(path, wanted),
                first_ms,
                [
                    ask(asked, asked.fill(path, wanted, number))
                    for number in range(1, (QUICK_ASKS if quick else ASKS) + 1)
                ],
            )
            for (path, wanted), first_ms in zip(kinds, first, strict=True)
        ]


@contextmanager
def running_service(folder: Path, database_url: str, count: int) -> Iterator[Asked]:
    settings = Settings.from_environment(folder, {"FORMLOOP_DATABASE_URL": database_url})
    app = create_app(settings)
    with TestClient(app, follow_redirects=False) as client:
        service: Service = app.state.service
        made = make_documents(service.database, count)
        service.blobs.write(picture_key(made.document_ids[0], 1, 1), _picture())
        with service.database.write() as session:
            session.add(_asked_task(made.document_ids[0]))
            reader = add_user(session, "reader", "a long enough password", Role.ADMINISTRATOR)
            started = start_web_session(session, reader.id, utc_now(), timedelta(hours=9))
            finish_canary(session, send_canary(session, utc_now()), "worker", utc_now())
        client.headers["Cookie"] = f"{SESSION_COOKIE}={started.secret}"
        yield Asked(app, client, service, made)


def find_kinds(app: FastAPI) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each path that is only read, with each of the things that are asked of it."""
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, str(context.path)
        if (
            isinstance(route, APIRoute)
            and "GET" in (route.methods or ())
            and path not in PASSED_OVER
        ):
            yield from zip(itertools.repeat(path), ASKED_OF.get(path, ({},)))


def ask(asked: Asked, address: str) -> float:
    """Milliseconds to the end of the answer; RuntimeError for one that is none."""
    started = time.perf_counter()
    response = asked.client.get(address)
    elapsed_ms = 1000 * (time.perf_counter() - started)
    if response.status_code >= 400:
        raise RuntimeError(f"{address}: {response.status_code} {response.text[:300]}")
    return elapsed_ms


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest of ``times`` that at least ``share`` of them do not exceed."""
    return sorted(times)[max(0, math.ceil(share * len(times)) - 1)]


def _to_answer(address: str, first_ms: float, times: Sequence[float]) -> Answer:
    return Answer(address, first_ms, percentile(times, 0.5), percentile(times, 0.99))


def _kind_to_address(path: str, wanted: Mapping[str, str]) -> str:
    query = "&".join(f"{key}={text}" for key, text in wanted.items())
    return re.sub(r"\{(\w+)_id\}", r"{\1}", path + (f"?{query}" if query else ""))


def _cells(answer: Answer | None) -> tuple[str, str, str]:
    if answer is None:
        return "", "", ""
    return f"{answer.first_ms:.0f}", f"{answer.p50_ms:.0f}", f"{answer.p99_ms:.0f}"


def _slowest(answers: Sequence[Answer]) -> tuple[str, ...]:
    figures = (
        [a.first_ms for a in answers],
        [a.p50_ms for a in answers],
        [a.p99_ms for a in answers],
    )
    return tuple(f"{max(found):.0f}" for found in figures)


def _asked_task(document_id: str) -> ReviewTaskRow:
    """One that people see, so that its picture may be seen."""
    return ReviewTaskRow(
        id=TASK_ID,
        document_id=document_id,
        generation=1,
        base_revision=1,
        form_type=load_declarations()[0].name,
        state=ReviewState.PUSHED,
        body={},
        shown=0,
        audited=0,
        worth=0.0,
    )


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1654, 2339), "white").save(out, "png")
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    with tempfile.TemporaryDirectory(prefix="fl-bench-") as folder:
        print(measure_answers(Path(folder), parser.parse_args().quick).body)


if __name__ == "__main__":
    main()
