"""Why a file was refused, a training failed or a review waits, as each reader reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.errors import StudioGone
from archive.clock import utc_now
from archive.kept_settings import REVIEW_PROBLEM, write_setting
from archive.reasons import Reason, error_to_reason, write_reason
from archive.settings import ServiceLimits
from archive.tables import ReviewState, ReviewTaskRow, TrainingKind
from archive.training_runs import RunSettings, fail_run, lease_run, queue_run
from tests.service.web.reviewing import start_review
from tests.service.worlds import World, pdf, running_world
from workers.training import NothingCorrected

LIMITS = ServiceLimits(file_bytes=1 << 20)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path, LIMITS) as made:
        yield made


def read(world: World, path: str, code: str) -> str:
    """The page without its scripts' texts."""
    world.client.post("/language", data={"code": code}, headers=world.browser())
    world.client.cookies.clear()
    html = world.client.get(path, headers=world.browser()).text
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_a_refused_file(fresh: World) -> None:
    archive_id, _ = fresh.upload(
        ("large.pdf", pdf() + b"x" * (1 << 20)), ("notes.docx", b"no form"), ("a.pdf", pdf())
    )
    told = fresh.client.get(f"/api/archives/{archive_id}", headers=fresh.bearer()).json()
    assert told["counts"]["refused"] == 2
    chinese = read(fresh, f"/archives/{archive_id}", "zh")
    assert 'title="larger than 1 MB">文件超过 1 兆字节<' in chinese
    assert ">不支持的文件类型；请另存为 PDF 后再上传<" in chinese
    english = read(fresh, f"/archives/{archive_id}", "en")
    assert ">Larger than 1 MB<" in english


def test_the_answer_to_an_upload_has_the_numbers_of_a_refusal(fresh: World) -> None:
    answer = fresh.client.post(
        "/api/archives",
        files=[("files", ("large.pdf", pdf() + b"x" * (1 << 20)))],
        headers=fresh.bearer(),
    )
    assert answer.json()["refused"] == [
        {
            "name": "large.pdf",
            "category": "too_large",
            "reason": "larger than 1 MB",
            "facts": {"megabytes": 1},
        }
    ]


def test_a_failed_training(fresh: World) -> None:
    with fresh.service.database.write() as session:
        queue_run(session, TrainingKind.TRAIN, RunSettings())
        run = lease_run(session, "trainer", utc_now())
        assert run is not None
        why = error_to_reason(NothingCorrected("no corrected document"))
        fail_run(session, run.id, "trainer", utc_now(), why)
    path = f"/api/training-runs/{run.id}"
    told = fresh.client.get(path, headers=fresh.bearer()).json()
    assert (told["reason"], told["reason_category"]) == (
        "no corrected document",
        "nothing_corrected",
    )
    said = 'title="no corrected document">还没有更正过的文件可供学习'
    assert said in read(fresh, "/models", "zh")
    assert ">There is no corrected document to learn from yet" in read(fresh, "/models", "en")


def test_what_stands_in_the_way_of_the_review(fresh: World) -> None:
    text = "Label Studio at http://studio.example does not answer; start it"
    with fresh.service.database.write() as session:
        problem = {"text": text, "category": StudioGone.category, "since": "2026-01-01"}
        write_setting(session, REVIEW_PROBLEM, {**problem})
    for path in ("/", "/reviews/figures"):
        chinese = read(fresh, path, "zh")
        assert "Label Studio 没有响应；请确认它已启动并能连上" in chinese
        assert f'lang="en">{text}<' in chinese
        english = read(fresh, path, "en")
        # All of it is English already.
        assert text in english and "see that it runs" not in english
    told = fresh.client.get("/api/review", headers=fresh.bearer()).json()
    assert told["problem"] == text


def test_a_review_task_that_cannot_be_put_before_people(fresh: World) -> None:
    waiting = start_review(fresh, "wait.pdf")
    refused = "Label Studio refuses task 3"
    with fresh.service.database.write() as session:
        row = session.get_one(ReviewTaskRow, waiting.task_id)
        row.state, row.label_studio_task_id = ReviewState.WAITING, None
        write_reason(row, Reason("task_refused", refused, {"error": refused}))
    path = f"/documents/{waiting.document_id}"
    assert f"Label Studio 不接受此任务（{refused}）" in read(fresh, path, "zh")
    with fresh.service.database.write() as session:
        session.get_one(ReviewTaskRow, waiting.task_id).reason_terms = None
    assert f'title="{refused}">{refused}<' in read(fresh, path, "zh")
