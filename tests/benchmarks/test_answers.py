"""Which addresses are asked, and what the table says of them."""

import random
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from archive.settings import Settings
from benchmarks.answers import (
    ASKED_OF,
    PASSED_OVER,
    Answer,
    answers_section,
    ask,
    find_kinds,
    percentile,
    running_service,
)
from benchmarks.made_documents import made_record
from service.api.app import create_app


def test_every_address_that_is_read_is_asked_or_passed_over_for_a_reason(tmp_path: Path) -> None:
    app = create_app(Settings.from_environment(tmp_path, {}))
    paths = {
        str(context.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and "GET" in (context.original_route.methods or ())
    }
    asked = {path for path, _ in find_kinds(app)}
    assert asked | PASSED_OVER.keys() == paths
    assert not asked & PASSED_OVER.keys()
    assert ASKED_OF.keys() <= paths


def test_every_address_answers_over_made_documents(tmp_path: Path) -> None:
    with running_service(tmp_path, "", 12) as asked:
        assert asked.made.values == 12 * 46
        for path, wanted in find_kinds(asked.app):
            assert ask(asked, asked.fill(path, wanted, 1)) > 0
        with pytest.raises(RuntimeError, match="404"):
            ask(asked, "/api/documents/none")
        found = asked.client.get(asked.fill("/api/documents", {"q": "{word}"}, 1)).json()
    assert 0 < found["total"] <= 12


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_times(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected
    assert percentile([7.0], share) == 7.0


def test_the_table_has_a_database_beside_the_other() -> None:
    measured = {
        "SQLite": [Answer("/a", 9.0, 1.0, 2.0), Answer("/b", 3.0, 4.0, 250.0)],
        "PostgreSQL": [Answer("/a", 8.0, 5.0, 6.0)],
    }
    lines = answers_section(measured, 10_000).body.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["slowest", "9", "4", "250", "8", "5", "6"]
    assert cells[3] == ["`/a`", "9", "1", "2", "8", "5", "6"]
    assert cells[4] == ["`/b`", "3", "4", "250", "", "", ""]


def test_two_seeds_make_two_records() -> None:
    assert made_record("a", random.Random(1)) != made_record("a", random.Random(2))
