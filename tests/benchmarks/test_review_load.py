"""The bench of answers on their way to the records, on a few small documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.routing import route_record
from archive.database import Database
from benchmarks import review_load
from benchmarks.review_load import (
    PEOPLE,
    AskedForm,
    answer_all,
    apply_all,
    digest,
    load_figures,
    make_documents,
    measure_server,
    receive,
    sqlite_server,
)
from tests.annotation.small_form import DECLARATION, SEED
from tests.archive.review_rows import FORMS, NO_AUDIT, doubted

DOCUMENTS = 4


@pytest.fixture
def form() -> AskedForm:
    record = doubted("a.pdf", "buyer", "items[0].amount", "total")
    routing = route_record(record, DECLARATION, NO_AUDIT, SEED)
    return AskedForm(routing.record, DECLARATION, routing.doubts)


def test_every_way_of_arrival_makes_the_same_records(form: AskedForm, tmp_path: Path) -> None:
    load = measure_server(sqlite_server(tmp_path), [form], DOCUMENTS)
    assert (load.documents, load.answers) == (DOCUMENTS, PEOPLE * DOCUMENTS)
    assert load.same == {
        "replayed twice": True,
        "each webhook twice": True,
        "each twice, shuffled": True,
    }
    figures = load_figures({"SQLite": load})
    row = dict(zip(figures.columns, figures.rows[0], strict=True))
    assert row["annotations"] == str(PEOPLE * DOCUMENTS)
    assert row["each twice, shuffled"] == "the same"


def test_the_digest_tells_a_record_that_is_not_the_same(
    form: AskedForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_load, "RETYPES", 1.0)
    database = Database(sqlite_server(tmp_path).url)
    database.migrate()
    ids = make_documents(database, [form], DOCUMENTS)
    before = digest(database)
    rounds = answer_all(database, FORMS, ids)
    receive(database, rounds[0])
    apply_all(database, FORMS)
    once = digest(database)
    receive(database, rounds[0])
    apply_all(database, FORMS)
    assert digest(database) == once != before
    receive(database, rounds[1])
    apply_all(database, FORMS)
    assert digest(database) != once
    database.close()
