"""Uploads over HTTP: every file is answered, nothing is done twice, nothing harmful stays."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from celery import Celery

from archive.blobs import Blobs
from archive.documents import find_document
from archive.errors import DatabaseGone, StorageFull
from archive.settings import ServiceLimits
from archive.steps import LostStep
from service.api import context, uploads
from tests.service.worlds import World, pdf, running_world, sample_record, zipped

MB = 2**20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service that takes little at once."""
    limits = ServiceLimits(upload_bytes=3 * MB, file_bytes=MB, files_per_upload=20)
    with running_world(tmp_path_factory.mktemp("small"), limits) as made:
        yield made


def left_on_disk(world: World) -> list[Path]:
    return list((world.service.settings.data / "incoming").iterdir())


def test_every_file_gets_an_answer(world: World) -> None:
    answer = world.client.post(
        "/api/archives",
        files=[
            ("files", ("folder/甲.pdf", pdf("甲"))),
            ("files", ("b.PDF", pdf("b"))),
            ("files", ("notes.docx", zipped(("[Content_Types].xml", b"x")))),
            ("files", ("run.exe", b"MZ" * 900)),
            ("files", ("empty.pdf", b"")),
        ],
        data={"name": "  2026  档案 "},
        headers=world.bearer(),
    )
    assert answer.status_code == 201
    told = answer.json()
    assert answer.headers["location"] == f"/api/archives/{told['id']}"
    accepted = [(d["name"], d["state"], d["duplicate_of"]) for d in told["documents"]]
    assert accepted == [("folder/甲.pdf", "received", None), ("b.PDF", "received", None)]
    assert {file["name"]: (file["category"], file["reason"]) for file in told["refused"]} == {
        "run.exe": (
            "unsupported",
            "not a PDF, TIFF, PNG, JPEG, BMP, WebP or ZIP by its content",
        ),
        "empty.pdf": ("empty", "the file is empty"),
        "notes.docx": ("unsupported", "an Office or OFD document; save it as PDF"),
    }
    shown = world.client.get(f"/api/archives/{told['id']}", headers=world.bearer()).json()
    assert shown["name"] == "2026 档案"
    assert (shown["counts"]["received"], shown["counts"]["refused"]) == (2, 3)
    assert left_on_disk(world) == []


def test_the_same_bytes_are_a_duplicate_wherever_they_come(world: World) -> None:
    body = pdf("twice")
    _, [first] = world.upload(("one.pdf", body))
    answer = world.client.post(
        "/api/archives",
        files=[
            ("files", ("again.pdf", body)),
            ("files", ("in.zip", zipped(("deep/more.pdf", body), ("new.pdf", pdf("new"))))),
        ],
        headers=world.bearer(),
    )
    told = answer.json()["documents"]
    assert [(d["name"], d["duplicate_of"]) for d in told] == [
        ("again.pdf", first),
        ("in.zip/deep/more.pdf", first),
        ("in.zip/new.pdf", None),
    ]
    stored = [
        key
        for key in world.service.blobs.keys("sources")
        if hashlib.sha256(body).hexdigest() in key
    ]
    assert len(stored) == 1, "the bytes of duplicates are not kept"


def test_more_files_go_into_an_archive(world: World) -> None:
    archive_id, _ = world.upload(("a.pdf", pdf("first of two")))
    answer = world.client.post(
        f"/api/archives/{archive_id}/documents",
        files=[("files", ("b.pdf", pdf("second of two")))],
        headers=world.bearer(),
    )
    assert answer.status_code == 201
    assert answer.json()["id"] == archive_id
    listed = world.client.get(f"/api/documents?archive={archive_id}", headers=world.bearer())
    assert listed.json()["total"] == 2


def test_bad_archives_do_no_harm(world: World, tmp_path: Path) -> None:
    slip = io.BytesIO()
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../evil.pdf", pdf("evil"))
        archive.writestr("/abs.pdf", pdf("abs"))
        archive.writestr("good.pdf", pdf("good"))
        archive.writestr("readme.txt", "passed over")
    bomb = zipped(("bomb.pdf", b"%PDF-" + bytes(70 * MB)))
    answer = world.client.post(
        "/api/archives",
        files=[
            ("files", ("slip.zip", slip.getvalue())),
            ("files", ("bomb.zip", bomb)),
            ("files", ("cut.zip", bomb[: len(bomb) // 2])),
            ("files", ("nested.zip", zipped(("a.zip", zipped(("b.zip", zipped())))))),
        ],
        headers=world.bearer(),
    )
    told = answer.json()
    assert answer.status_code == 201
    assert [d["name"] for d in told["documents"]] == ["slip.zip/good.pdf"]
    reasons = {file["name"]: file["reason"] for file in told["refused"]}
    assert reasons["slip.zip/../../evil.pdf"] == "its name leads out of the archive"
    assert reasons["slip.zip//abs.pdf"] == "its name leads out of the archive"
    assert "ZIP bomb" in reasons["bomb.zip"]
    assert reasons["cut.zip"] == "the ZIP archive is damaged or cut short"
    assert "inside an archive" in reasons["nested.zip/a.zip/b.zip"]
    assert not list(tmp_path.parent.rglob("evil.pdf"))


def test_form_type_and_priority_reach_the_document(world: World) -> None:
    answer = world.client.post(
        "/api/archives",
        files=[("files", ("p.pdf", pdf("prio")))],
        data={"form_type": "project_self_evaluation", "priority": "2"},
        headers=world.bearer(),
    )
    document_id = answer.json()["documents"][0]["id"]
    shown = world.client.get(f"/api/documents/{document_id}", headers=world.bearer()).json()
    assert shown["form_type"] == "project_self_evaluation"
    with world.service.database.read() as session:
        assert find_document(session, document_id).priority == 2


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"form_type": "nope"}, "form_type"),
        ({"priority": "11"}, "priority"),
        ({"priority": "1.5"}, "priority"),
    ],
)
def test_a_wrong_field_is_refused(world: World, data: dict[str, str], word: str) -> None:
    answer = world.client.post(
        "/api/archives",
        files=[("files", ("p.pdf", pdf("wrong field")))],
        data=data,
        headers=world.bearer(),
    )
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_an_upload_without_files_is_refused(world: World) -> None:
    answer = world.client.post(
        "/api/archives",
        files=[("files", ("", b""))],
        data={"name": "nothing"},
        headers=world.bearer(),
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_an_unknown_archive_is_said_before_the_body_is_read(world: World) -> None:
    answer = world.client.post(
        "/api/archives/01ARZ3NDEKTSV4RRFFQ69G5FAV/documents",
        files=[("files", ("p.pdf", pdf("nowhere")))],
        headers=world.bearer(),
    )
    assert answer.status_code == 404


def test_limits_of_size_and_number(small: World) -> None:
    big = small.client.post(
        "/api/archives",
        files=[("files", ("big.pdf", pdf() + bytes(2 * MB))), ("files", ("ok.pdf", pdf()))],
        headers=small.bearer(),
    )
    assert [file["reason"] for file in big.json()["refused"]] == ["larger than 1 MB"]
    assert [d["name"] for d in big.json()["documents"]] == ["ok.pdf"]
    body = small.client.post(
        "/api/archives", files=[("files", ("x.pdf", bytes(4 * MB)))], headers=small.bearer()
    )
    assert body.status_code == 413
    many = small.client.post(
        "/api/archives",
        files=[("files", (f"{i}.pdf", pdf(str(i)))) for i in range(21)],
        headers=small.bearer(),
    )
    assert many.status_code == 413
    assert left_on_disk(small) == []


def test_a_full_disk_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(world.service.blobs.keys())
    write, calls = Blobs.write, []

    def full_at_the_second(self: Blobs, key: str, content: object) -> int:
        calls.append(key)
        if len(calls) == 2:
            raise StorageFull("no room")
        return write(self, key, content)  # type: ignore[arg-type]

    monkeypatch.setattr(Blobs, "write", full_at_the_second)
    total = world.client.get("/api/documents", headers=world.bearer()).json()["total"]
    answer = world.client.post(
        "/api/archives",
        files=[("files", ("1.pdf", pdf("full 1"))), ("files", ("2.pdf", pdf("full 2")))],
        headers=world.bearer(),
    )
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:formloop:problem:storage_full")
    assert list(world.service.blobs.keys()) == before
    assert world.client.get("/api/documents", headers=world.bearer()).json()["total"] == total
    assert left_on_disk(world) == []


def test_a_database_that_is_away_for_a_moment_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_PAUSES_S", (0.0, 0.0))
    add, calls = uploads.add_document, []

    def away_twice(*given: object, **also: object) -> object:
        calls.append(given)
        if len(calls) <= 2:
            raise DatabaseGone("locked")
        return add(*given, **also)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "add_document", away_twice)
    archive_id, [document_id] = world.upload(("late.pdf", pdf("late")))
    shown = world.client.get(f"/api/archives/{archive_id}", headers=world.bearer()).json()
    assert shown["counts"]["received"] == 1
    world.finish(document_id, replace(sample_record(), name="late.pdf"))


def test_new_work_goes_into_the_queue_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[LostStep] = []
    queueing = replace(world.service, queue=Celery(set_as_current=False))
    monkeypatch.setattr(context, "push_steps", lambda _, steps: sent.extend(steps))
    monkeypatch.setattr(world.app.state, "service", queueing)
    _, [document_id, _] = world.upload(("q.pdf", pdf("queue")), ("twin.pdf", pdf("queue")))
    assert [(step.key.document_id, step.key.step) for step in sent] == [(document_id, "split")]
    sent.clear()
    for what in ("cancel", "retry"):
        world.client.post(f"/api/documents/{document_id}/{what}", headers=world.bearer())
    assert [step.key.document_id for step in sent] == [document_id]
