"""Multipart bodies to files: what comes in whole, what is refused, what stops the request."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from extraction.limits import Limits
from service.api.incoming import FormReader, IncomingForm, check_stated_length, read_form
from service.api.problems import Problem

TYPE = "multipart/form-data; boundary=edge"
PDF = b"%PDF-1.7\n" + b"x" * 3000
MB = 2**20


def part(name: str, content: bytes, file_name: str | bytes | None = None) -> bytes:
    raw = file_name.encode() if isinstance(file_name, str) else file_name
    about = f'form-data; name="{name}"'.encode()
    if raw is not None:
        about += b'; filename="' + raw + b'"'
    return b"--edge\r\nContent-Disposition: " + about + b"\r\n\r\n" + content + b"\r\n"


END = b"--edge--\r\n"


def read(
    folder: Path,
    body: bytes,
    *,
    piece_bytes: int = 700,
    limits: Limits | None = None,
    max_body_bytes: int = 10 * MB,
) -> IncomingForm:
    reader = FormReader(TYPE, folder, limits or Limits(), max_body_bytes)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece_bytes):
            yield body[start : start + piece_bytes]

    return asyncio.run(read_form(pieces(), reader))


@pytest.mark.parametrize("piece_bytes", [1, 7, 64, 100_000])
def test_the_files_are_the_same_in_whatever_pieces_they_come(
    tmp_path: Path, piece_bytes: int
) -> None:
    tricky = b"%PDF-1.7\r\n--edg\r\n--edge-not\r\n" + bytes(range(256)) * 3
    body = part("name", "档案".encode()) + part("files", tricky, "表 1.pdf") + END
    form = read(tmp_path, body, piece_bytes=piece_bytes)
    [file] = form.files
    assert form.fields == {"name": "档案"}
    assert (file.name, file.size, file.format) == ("表 1.pdf", len(tricky), "pdf")
    assert file.path.read_bytes() == tricky
    assert file.sha256 == hashlib.sha256(tricky).hexdigest()


def test_each_refused_file_says_why_and_leaves_nothing_on_disk(tmp_path: Path) -> None:
    body = (
        part("files", b"MZ" + bytes(5000), "run.exe")
        + part("files", b"", "empty.pdf")
        + part("files", b"%PDF-" + bytes(3 * MB), "huge.pdf")
        + part("files", PDF, "../../etc/passwd")
        + part("files", PDF, "..\\up.pdf")
        + part("files", PDF, "good.pdf")
        + END
    )
    form = read(tmp_path, body, piece_bytes=60_000, limits=Limits(max_bytes=2 * MB))
    assert [file.name for file in form.files] == ["good.pdf"]
    assert [(error.name, error.reason) for error in form.refused] == [
        ("run.exe", "not a PDF, TIFF, PNG, JPEG, BMP, WebP or ZIP by its content"),
        ("empty.pdf", "the file is empty"),
        ("huge.pdf", "larger than 2 MB"),
        ("../../etc/passwd", "its name leads out of the upload"),
        ("..\\up.pdf", "its name leads out of the upload"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [form.files[0].path.name]


def test_a_zip_may_be_larger_than_one_file(tmp_path: Path) -> None:
    body = part("files", b"PK\x03\x04" + bytes(3 * MB), "many.zip") + END
    form = read(tmp_path, body, piece_bytes=60_000, limits=Limits(max_bytes=2 * MB))
    assert [file.format for file in form.files] == ["zip"]


def test_an_empty_file_field_of_a_browser_is_no_file(tmp_path: Path) -> None:
    form = read(tmp_path, part("files", b"", "") + END)
    assert (form.files, form.refused) == ((), ())


def test_a_name_in_gbk_is_read(tmp_path: Path) -> None:
    form = read(tmp_path, part("files", PDF, "绩效.pdf".encode("gbk")) + END)
    assert form.files[0].name == "绩效.pdf"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (part("files", PDF, "a.pdf"), "bad_request"),
        (b"nonsense" * 10, "bad_request"),
        (b"", "bad_request"),
        (part("files", PDF, "a.pdf") + part("files", PDF, "b.pdf")[:-9], "bad_request"),
        (b"--edge\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END, "bad_request"),
        (part("other", PDF, "a.pdf") + END, "invalid"),
        (part("name", b"x" * 20_000) + END, "too_large"),
        (b"".join(part(f"n{i}", b"x") for i in range(40)) + END, "too_large"),
        (part("files", PDF + bytes(MB), "a.pdf") + END, "too_large"),
        (b"".join(part("files", PDF, f"{i}.pdf") for i in range(9)) + END, "too_large"),
        (b"--edge\r\nX-Long: " + b"y" * 9000 + b"\r\n\r\n" + END, "bad_request"),
    ],
)
def test_a_body_that_is_wrong_ends_the_request(tmp_path: Path, body: bytes, kind: str) -> None:
    with pytest.raises(Problem) as told:
        read(tmp_path, body, limits=Limits(max_zip_files=8), max_body_bytes=MB)
    assert told.value.kind == kind


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/json", "unsupported_media_type"),
        ("", "unsupported_media_type"),
        ("multipart/form-data", "bad_request"),
        ("multipart/form-data; boundary=" + "b" * 300, "bad_request"),
    ],
)
def test_a_content_type_that_cannot_be_read(tmp_path: Path, content_type: str, kind: str) -> None:
    with pytest.raises(Problem) as told:
        FormReader(content_type, tmp_path, Limits(), MB)
    assert told.value.kind == kind


def test_a_stated_length_over_the_limit_is_refused_before_the_body() -> None:
    check_stated_length("100", 100)
    check_stated_length(None, 100)
    with pytest.raises(Problem):
        check_stated_length("101", 100)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    reader = FormReader(TYPE, tmp_path, Limits(), 200 * MB)

    async def pieces() -> AsyncIterator[bytes]:
        yield part("files", b"PK\x03\x04", "big.zip")[:-2]
        for _ in range(1600):
            yield bytes(65_536)
        yield b"\r\n" + END

    tracemalloc.start()
    form = asyncio.run(read_form(pieces(), reader))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert form.files[0].size == 1600 * 65_536 + 4
    assert peak < 10 * MB
