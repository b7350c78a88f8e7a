"""upload, status, export, backup and restore, against a service on a real port."""

import json
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from archive.database import Database
from archive.kept_settings import REVIEW_PROBLEM, remove_setting, write_setting
from archive.search import DocumentQuery, find_documents
from service.cli import app
from service.client import ServiceUnreachable, find_address
from service.first_start import ADMIN_FILE
from service.status_command import pace_to_words, seconds_to_words
from service.upload_command import Found, default_name, find_files, to_batches
from tests.service.servers import served
from tests.service.worlds import World, pdf, sample_record


@pytest.fixture(scope="module")
def data(world: World) -> Iterator[Path]:
    """The data folder of the running service, which says where it is."""
    folder = world.service.settings.data
    with served(world.app) as url:
        told = {"url": url, "token": world.bearer()["Authorization"].split()[1]}
        (folder / ADMIN_FILE).write_text(json.dumps(told))
        yield folder


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_upload_says_what_became_of_each_file(world: World, data: Path, tmp_path: Path) -> None:
    write(tmp_path / "box/10.pdf", pdf("10"))
    write(tmp_path / "box/sub/9.pdf", pdf("9"))
    write(tmp_path / "box/notes.txt", b"passed over")
    write(tmp_path / "box/bad.pdf", b"no pdf at all")
    done = call("upload", tmp_path / "box", "--archive", "from the shell", "--data", data)
    assert done.exit_code == 1
    assert "2 accepted, 0 known already, 1 refused" in done.stderr
    assert "box/bad.pdf: the content is not what its suffix .pdf says" in done.stderr
    archive_id = done.stdout.strip()
    again = call("upload", tmp_path / "box/10.pdf", "--archive", "from the shell", "--data", data)
    assert again.exit_code == 0
    assert "0 accepted, 1 known already" in again.stderr
    assert again.stdout.strip() == archive_id, "the archive of this name is used again"
    with world.service.database.read() as session:
        found = find_documents(session, DocumentQuery(archive_id=archive_id)).documents
    assert sorted(row.name for row in found) == ["10.pdf", "box/10.pdf", "box/sub/9.pdf"]


def test_upload_waits_for_the_records(world: World, data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "w.pdf", pdf("wait"))

    def work() -> None:
        while True:
            with world.service.database.read() as session:
                found = find_documents(session, DocumentQuery(text="w.pdf")).documents
            if found:
                time.sleep(0.3)
                world.finish(found[0].id, sample_record("w.pdf"))
                return
            time.sleep(0.05)

    worker = threading.Thread(target=work)
    worker.start()
    done = call("upload", file, "--wait", "--data", data)
    worker.join()
    assert done.exit_code == 0, done.stderr
    shown = call("status", done.stdout.strip(), "--data", data)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[1].split()[2:8] == ["0", "0", "1", "0", "0", "0"]


def test_status_lists_archives_and_knows_names(world: World, data: Path) -> None:
    world.upload(("s.pdf", pdf("status")), name="名字")
    assert "名字" in call("status", "--data", data).stdout
    assert "名字" in call("status", "名字", "--data", data).stdout
    unknown = call("status", "nothing of this name/..", "--data", data)
    assert unknown.exit_code == 1
    assert "there is no archive" in unknown.stderr


def test_export_writes_the_file_whole_or_not_at_all(
    world: World, data: Path, tmp_path: Path
) -> None:
    _, [document_id] = world.upload(("e.pdf", pdf("export")), name="to export")
    world.finish(document_id, sample_record("e.pdf"))
    out = tmp_path / "out.zip"
    done = call("export", "to export", "--format", "zip", "--out", out, "--data", data)
    assert done.exit_code == 0, done.stderr
    assert sorted(zipfile.ZipFile(out).namelist()) == ["e.csv", "e.json", "e.xlsx"]
    lines = call("export", "to export", "--format", "jsonl", "--out", "-", "--data", data)
    assert json.loads(lines.stdout)["document"]["name"] == "e.pdf"
    missing = call("export", "nope", "--format", "csv", "--out", tmp_path / "x", "--data", data)
    assert missing.exit_code == 1
    nowhere = tmp_path / "no/folder.csv"
    failed = call("export", "to export", "--format", "csv", "--out", nowhere, "--data", data)
    assert failed.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.zip"]


def test_backup_and_restore_bring_everything_back(world: World, data: Path, tmp_path: Path) -> None:
    archive_id, _ = world.upload(("kept.pdf", pdf("kept")), name="kept")
    file = tmp_path / "all.backup"
    write(data / "models/current", b"kept-version\n")
    write(data / "ocr/ocr-kept/inference.onnx", b"weights")
    assert call("backup", file, "--data", data).exit_code == 0
    assert call("backup", file, "--data", data).exit_code == 1, "it is not written over"
    fresh = tmp_path / "fresh"
    done = call("restore", file, "--data", fresh)
    assert done.exit_code == 0, done.stderr
    database = Database(f"sqlite:///{fresh / 'formloop.db'}")
    with database.read() as session:
        [row] = find_documents(session, DocumentQuery(archive_id=archive_id)).documents
    database.close()
    assert row.name == "kept.pdf"
    assert (fresh / "models/current").read_text() == "kept-version\n"
    assert (fresh / "ocr/ocr-kept/inference.onnx").read_bytes() == b"weights"
    assert (fresh / "blobs" / row.blob_key).read_bytes() == pdf("kept")
    assert call("restore", file, "--data", fresh).exit_code == 1, "the place is not empty"
    assert call("backup", tmp_path / "x", "--data", tmp_path / "nothing").exit_code == 1


def test_status_says_what_keeps_the_review_from_working(world: World, data: Path) -> None:
    assert "review" not in call("status", "--data", data).stderr
    with world.service.database.write() as session:
        write_setting(session, REVIEW_PROBLEM, {"text": "Label Studio is away; start it"})
    told = call("status", "--data", data)
    with world.service.database.write() as session:
        remove_setting(session, REVIEW_PROBLEM)
    assert told.exit_code == 0
    assert "the review waits: Label Studio is away; start it" in told.stderr


def test_where_the_service_is(tmp_path: Path) -> None:
    given = {"FORMLOOP_URL": "https://forms.example/", "FORMLOOP_TOKEN": "t"}
    assert find_address(None, given).url == "https://forms.example"
    told = {"url": "http://127.0.0.1:1", "username": "admin", "password": "p", "token": "own"}
    (tmp_path / ADMIN_FILE).write_text(json.dumps(told))
    assert find_address(tmp_path, {}).token == "own"
    assert find_address(None, {"FORMLOOP_DATA": str(tmp_path)}).token == "own"
    with pytest.raises(ServiceUnreachable):
        find_address(tmp_path / "else", {})
    silent = call("status", "--data", tmp_path)
    assert silent.exit_code == 1
    assert "no answer from http://127.0.0.1:1" in silent.stderr


def test_files_come_in_natural_order_and_small_batches(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        write(tmp_path / f"box/{number}.pdf", b"x")
    write(tmp_path / "box/.hidden/2.pdf", b"x")
    write(tmp_path / "box/picture", b"\x89PNG\r\n\x1a\n")
    write(tmp_path / "box/list.csv", b"a,b")
    files, missing = find_files([tmp_path / "box", tmp_path / "gone", tmp_path / "box/list.csv"])
    assert [file.name for file in files] == [
        "box/1.pdf",
        "box/9.pdf",
        "box/10.pdf",
        "box/picture",
        "list.csv",
    ]
    assert len(missing) == 1
    many = [Found(tmp_path, f"{number}.pdf", 2**20) for number in range(120)]
    assert [len(batch) for batch in to_batches(many)] == [50, 50, 20]
    large = [Found(tmp_path, f"{number}.pdf", 200 * 2**20) for number in range(3)]
    assert [len(batch) for batch in to_batches(large)] == [1, 1, 1]
    same = [Found(tmp_path, "same.pdf", 1), Found(tmp_path, "same.pdf", 1)]
    assert [len(batch) for batch in to_batches(same)] == [1, 1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "?"), (0.0, "-"), (61.2, "1 min 1 s"), (3 * 3600 + 65, "3 h 1 min")],
)
def test_time_left_in_words(seconds: float | None, words: str) -> None:
    assert seconds_to_words(seconds) == words


def test_pace_is_told_only_while_there_is_something_left() -> None:
    assert pace_to_words(15.13, 60.0) == "15.1"
    assert pace_to_words(0.0, None) == "0.0"
    assert pace_to_words(15.13, 0.0) == "-"


@pytest.mark.parametrize(
    ("names", "archive"),
    [
        (("表.pdf",), "表"),
        (("七月/1.pdf", "七月/2.pdf"), "七月"),
        (("a.pdf", "b.pdf"), "2026-11-21 08:05"),
    ],
)
def test_archive_without_a_name_gets_one(names: tuple[str, ...], archive: str) -> None:
    files = [Found(Path(name), name, 1) for name in names]
    assert default_name(files, datetime(2026, 11, 21, 8, 5, tzinfo=UTC)) == archive
