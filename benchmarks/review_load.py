"""How fast answers reach the records, and that the records are the same however they arrive.

The samples' records before people, many times over, and webhooks as Label Studio sends them,
stored and folded by the service's own functions, on SQLite and on PostgreSQL. Label Studio
itself is the stand-in of the tests.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from annotation.hook import hook_to_news
from annotation.task import record_to_task
from annotation.values import Doubt, Routing
from archive.annotations import receive_annotation
from archive.clock import utc_now
from archive.corrections import find_corrections
from archive.database import Database
from archive.disagreements import find_disagreements
from archive.ids import new_id
from archive.revisions import find_revision
from archive.steps import finish_assemble, finish_page
from archive.tables import AnnotationVersion, Document
from benchmarks.report import Figures
from extraction.declarations import FormDeclaration
from extraction.json_values import JsonObject
from extraction.record_json import record_to_json
from extraction.values import Record
from tests.annotation.fake_studio import FakeStudio, retype
from tests.archive.postgres import Postgres, find_binaries, running_postgres
from tests.archive.rows import new_document, split, take
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks

DOCUMENTS, QUICK_DOCUMENTS = 250, 12
PEOPLE = 4
"""Each answers each document, one after the other: every annotation is folded by itself."""
RETYPES, EDITS = 0.1, 0.2
"""Shares: of the texts shown that somebody types anew, of the annotations edited later."""
TOGETHER = 25
"""Documents made, or webhooks received, in one go."""
URL, KEY = "http://forms.example", b"a key of the bench"


@dataclass(frozen=True, eq=False, slots=True)
class AskedForm:
    """A record as it is before people, and what they are asked of it."""

    record: Record
    declaration: FormDeclaration
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Lap:
    """In seconds of the clock, and of this process alone."""

    seconds: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, other: Lap) -> Lap:
        return Lap(self.seconds + other.seconds, self.cpu_s + other.cpu_s)


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured on one database: the same ``answers`` stored, then folded. ``same`` is
    by the way of arrival: whether the records were those of the first."""

    documents: int
    answers: int
    received: Lap
    applied: Lap
    same: Mapping[str, bool]
    machine_load: float


@dataclass(frozen=True, slots=True)
class Server:
    """The ``url`` of an empty database; ``copied`` makes a copy of it by another name."""

    url: str
    copied: Callable[[str], str]


def measure_load(folder: Path, forms: Sequence[AskedForm], *, quick: bool) -> dict[str, Load]:
    """By the kind of database."""
    documents = QUICK_DOCUMENTS if quick else DOCUMENTS
    measured = {"SQLite": measure_server(sqlite_server(folder), forms, documents)}
    if find_binaries() is not None:
        with running_postgres() as postgres:
            server = Server(postgres.url_of("asked"), _postgres_copies(postgres))
            measured["PostgreSQL"] = measure_server(server, forms, documents)
    return measured


def measure_server(server: Server, forms: Sequence[AskedForm], documents: int) -> Load:
    declarations = {form.declaration.name: form.declaration for form in forms}
    with _opened(server.url) as database:
        database.migrate()
        task_ids = make_documents(database, forms, documents)
        rounds = answer_all(database, declarations, task_ids)
    # Copied before anything is received.
    copies = [server.copied(name) for name in ("twice", "shuffled")]
    hooks = [body for one in rounds for body in one]
    machine_load = os.getloadavg()[0]
    received, applied = Lap(), Lap()
    with _opened(server.url) as database:
        for some in rounds:
            received += _timed(lambda some=some: receive(database, some))  # type: ignore[misc]
            applied += _timed(lambda: apply_all(database, declarations))
        first = digest(database)
        for _ in range(2):
            receive(database, hooks)
            apply_all(database, declarations)
        same = {"replayed twice": digest(database) == first}
    for url, (way, bodies) in zip(copies, _arrivals(hooks).items(), strict=True):
        same[way] = _digest_after(url, declarations, bodies) == first
    return Load(documents, PEOPLE * documents, received, applied, same, machine_load)


def make_documents(
    database: Database, forms: Sequence[AskedForm], documents: int
) -> tuple[str, ...]:
    """Documents as workers leave them, before people; the ids of their review tasks."""
    made: list[str] = []
    for start in range(0, documents, TOGETHER):
        numbers = range(start, min(start + TOGETHER, documents))
        with database.write() as session:
            made += [_add_document(session, forms[n % len(forms)], n) for n in numbers]
    return tuple(made)


def _add_document(session: Session, form: AskedForm, number: int) -> str:
    document = new_document(session, f"{number:04}.pdf")
    last = None
    for key in split(session, document, len(form.record.pages)):
        last = finish_page(session, take(session, key), f"r/{key.page}", "1")
    assert last is not None
    record = replace(form.record, name=document.name, sha256=document.sha256)
    task = record_to_task(new_id(), record, form.declaration, Routing(record, form.doubts))
    stored = record_to_json(record)
    finish_assemble(session, take(session, last), stored, "1", True, task=task)
    session.flush()
    return task.task_id


def answer_all(
    database: Database, declarations: Mapping[str, FormDeclaration], task_ids: Sequence[str]
) -> list[list[JsonObject]]:
    """Puts the tasks before people, who answer them; their webhooks, of one person after the
    other."""
    studio, choice, now = FakeStudio(), random.Random(7), utc_now()
    place = ReviewPlace(database, studio, declarations, URL, KEY)
    keep_projects(place)
    while push_due_tasks(place, now):
        now += timedelta(minutes=1)
    texts = {task.data["task_id"]: _texts(task.results) for task in studio.tasks.values()}
    rounds = []
    for author in range(1, PEOPLE + 1):
        before = len(studio.sent)
        for task_id in task_ids:
            number = studio.answer(task_id, retype(_typed(texts[task_id], choice)), author)
            if choice.random() < EDITS:
                studio.edit(number, retype(_typed(texts[task_id], choice)))
        rounds.append(studio.sent[before:])
    return rounds


def _texts(results: Sequence[JsonObject]) -> list[str]:
    values = (result["value"] for result in results if result["type"] == "textarea")
    return [str(text) for value in values if isinstance(value, dict) for text in _list(value)]


def _list(value: JsonObject) -> list[object]:
    found = value["text"]
    return [*found] if isinstance(found, list) else [found]


def _typed(texts: Sequence[str], choice: random.Random) -> dict[str, str]:
    """Some of the texts, with a sign more or less."""
    chosen = [text for text in texts if choice.random() < RETYPES]
    return {text: text[:-1] if choice.random() < 0.5 else f"{text}1" for text in chosen}


def receive(database: Database, bodies: Sequence[JsonObject]) -> None:
    """What the address of webhooks does, one call after the other."""
    for body in bodies:
        news = hook_to_news(body)
        with database.write() as session:
            for one in news.annotations:
                assert one.task_id is not None
                receive_annotation(session, one.task_id, one.payload, utc_now())


def apply_all(database: Database, declarations: Mapping[str, FormDeclaration]) -> None:
    while apply_received(database, declarations):
        pass


def digest(database: Database) -> str:
    """Of all documents: their states, newest records, and what stands of what people said."""
    said = sha256()
    with database.read() as session:
        versions = select(AnnotationVersion.applied_at, AnnotationVersion.problem)
        assert all(at and problem is None for at, problem in session.execute(versions))
        for document in session.scalars(select(Document).order_by(Document.name)):
            said.update(json.dumps(_document_state(session, document), sort_keys=True).encode())
    return said.hexdigest()


def _document_state(session: Session, document: Document) -> list[object]:
    said = sorted(
        (one.path, one.verdict, one.author, one.at.isoformat(), json.dumps(one.after))
        for one in find_corrections(session, document.id)
    )
    disputed = sorted(
        (one.path, json.dumps(one.texts, sort_keys=True))
        for one in find_disagreements(session, document.id)
        if one.settled_at is None
    )
    record = find_revision(session, document.id).record
    return [document.name, document.state, record, said, disputed]


def _arrivals(hooks: Sequence[JsonObject]) -> dict[str, list[JsonObject]]:
    shuffled = [body for body in hooks for _ in range(2)]
    random.Random(3).shuffle(shuffled)
    return {
        "each webhook twice": [body for body in hooks for _ in range(2)],
        "each twice, shuffled": shuffled,
    }


def _digest_after(
    url: str, declarations: Mapping[str, FormDeclaration], bodies: Sequence[JsonObject]
) -> str:
    with _opened(url) as database:
        for start in range(0, len(bodies), 10 * TOGETHER):
            receive(database, bodies[start : start + 10 * TOGETHER])
            apply_all(database, declarations)
        return digest(database)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def sqlite_server(folder: Path) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "asked.db"

    def copied(name: str) -> str:
        copy = folder / f"{name}.db"
        shutil.copyfile(file, copy)
        return f"sqlite:///{copy}"

    return Server(f"sqlite:///{file}", copied)


def _postgres_copies(postgres: Postgres) -> Callable[[str], str]:
    def make(name: str, template: str) -> str:
        engine = create_engine(Database(postgres.url).url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return postgres.url_of(name)

    make("asked", "template0")
    return lambda name: make(name, "asked")


def _timed(action: Callable[[], object]) -> Lap:
    start, cpu = time.perf_counter(), time.process_time()
    action()
    return Lap(time.perf_counter() - start, time.process_time() - cpu)


def load_figures(measured: Mapping[str, Load]) -> Figures:
    columns = ("database", "documents", "annotations", "stored/s", "applied/s", "both/s")
    ways = next((tuple(load.same) for load in measured.values()), ())
    return Figures(
        (*columns, "ms of the processor each", *ways, "load"),
        tuple(_load_row(name, load) for name, load in measured.items()),
    )


def _load_row(name: str, load: Load) -> tuple[str, ...]:
    both = load.received + load.applied
    laps = (load.received, load.applied, both)
    return (
        name,
        *(str(number) for number in (load.documents, load.answers)),
        *(f"{load.answers / max(lap.seconds, 1e-9):.0f}" for lap in laps),
        f"{1000 * both.cpu_s / load.answers:.0f}",
        *("the same" if same else "NOT THE SAME" for same in load.same.values()),
        f"{load.machine_load:.1f}",
    )
