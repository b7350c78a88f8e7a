from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.errors import (
    DamagedInput,
    EmptyInput,
    EncryptedInput,
    InputError,
    TooLarge,
    UnsafePath,
    UnsupportedInput,
)
from extraction.limits import Limits
from extraction.pages.formats import natural_key, safe_stem
from extraction.pages.sources import SourceFile, iter_sources

PNG = b"\x89PNG\r\n\x1a\n" + b"rest of a picture"
PDF = b"%PDF-1.4 rest of a document"


def zip_of(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def stems(*paths: Path, limits: Limits | None = None) -> list[str]:
    return [s.stem for s in iter_sources(paths, limits) if isinstance(s, SourceFile)]


def errors(*paths: Path, limits: Limits | None = None) -> list[InputError]:
    return [s for s in iter_sources(paths, limits) if isinstance(s, InputError)]


def test_file_comes_with_its_name_stem_bytes_and_digest(tmp_path: Path) -> None:
    (source,) = iter_sources([written(tmp_path, {"表 1.pdf": PDF}) / "表 1.pdf"])
    assert source == SourceFile("表 1.pdf", "表 1", PDF, hashlib.sha256(PDF).hexdigest())


def test_folder_is_read_in_natural_order_with_its_folders(tmp_path: Path) -> None:
    names = ["p10.png", "p9.png", "sub/a.pdf", "p1.PNG", "sub2/c.tif"]
    folder = written(tmp_path, {n: b"II*\x00" if n.endswith("tif") else PNG for n in names})
    assert stems(folder) == ["p1", "p9", "p10", "sub/a", "sub2/c"]


def test_same_stems_are_told_apart_over_the_whole_run(tmp_path: Path) -> None:
    files = {"x/b.pdf": PDF, "y/b.png": PNG, "y/B.pdf": PDF, "z/b-2.pdf": PDF}
    written(tmp_path, files)
    paths = [tmp_path / name for name in files]
    assert stems(*paths) == ["b", "b-2", "B-3", "b-2-2"]


def test_system_files_are_silent_documents_are_reported_other_files_are_not(
    tmp_path: Path,
) -> None:
    files = {".DS_Store": b"x", "Thumbs.db": b"x", "notes.log": b"x", "~$a.docx": b"x"}
    folder = written(tmp_path, {**files, "__MACOSX/._a.pdf": PDF, "a.pdf": PDF, "old.doc": b"x"})
    assert stems(folder) == ["a"]
    (error,) = errors(folder)
    assert isinstance(error, UnsupportedInput) and error.name == "old.doc"
    (named,) = errors(folder / "notes.log")
    assert isinstance(named, UnsupportedInput)


def test_picture_without_a_suffix_is_taken(tmp_path: Path) -> None:
    assert stems(written(tmp_path, {"scan": PNG, "v1.2 scan": PNG})) == ["scan", "v1.2 scan"]


def test_missing_path_and_folder_without_forms_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    missing, empty = errors(tmp_path / "no.pdf", tmp_path / "empty")
    assert "no.pdf" in str(missing) and isinstance(empty, EmptyInput)
    assert stems(tmp_path / "no.pdf", written(tmp_path, {"a.pdf": PDF}) / "a.pdf") == ["a"]


def test_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (error,) = errors(tmp_path / "pipe.pdf")
    assert isinstance(error, UnsupportedInput)
    assert isinstance(errors(tmp_path)[0], InputError)


def test_link_in_a_circle_ends(tmp_path: Path) -> None:
    written(tmp_path, {"a/x.pdf": PDF})
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a")
    assert stems(tmp_path) == ["a/x"]


def test_archive_gives_its_files_below_its_name(tmp_path: Path) -> None:
    inner = zip_of({"c.pdf": PDF})
    data = zip_of({"b.pdf": PDF, "sub/d.png": PNG, "__MACOSX/b.pdf": PDF, "in.zip": inner})
    path = written(tmp_path, {"archive.zip": data}) / "archive.zip"
    sources = [s for s in iter_sources([path]) if isinstance(s, SourceFile)]
    assert [s.stem for s in sources] == ["archive/b", "archive/in/c", "archive/sub/d"]
    assert sources[1].name == "archive.zip/in.zip/c.pdf"


def test_archive_three_deep_is_refused(tmp_path: Path) -> None:
    data = zip_of({"two.zip": zip_of({"three.zip": zip_of({"c.pdf": PDF})}), "b.pdf": PDF})
    path = written(tmp_path, {"one.zip": data}) / "one.zip"
    assert stems(path) == ["one/b"]
    (error,) = errors(path)
    assert isinstance(error, UnsupportedInput)


@pytest.mark.parametrize(
    "name", ["../evil.pdf", "a/../../evil.pdf", "/etc/evil.pdf", "C:\\evil.pdf", "..\\evil.pdf"]
)
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, {"z.zip": zip_of({name: PDF, "good.pdf": PDF})}) / "z.zip"
    assert stems(path) == ["z/good"]
    (error,) = errors(path)
    assert isinstance(error, UnsafePath)


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link.pdf")
    entry.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    (error,) = errors(written(tmp_path, {"z.zip": buffer.getvalue()}) / "z.zip")
    assert isinstance(error, UnsafePath)


def encrypted_zip() -> bytes:
    """A stored entry with the bit set that says it is encrypted."""
    data = bytearray(zip_of({"a.pdf": PDF}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        (flags,) = struct.unpack_from("<H", data, at)
        struct.pack_into("<H", data, at, flags | 1)
    return bytes(data)


def test_encrypted_entry_is_named(tmp_path: Path) -> None:
    (error,) = errors(written(tmp_path, {"z.zip": encrypted_zip()}) / "z.zip")
    assert isinstance(error, EncryptedInput) and error.name == "z.zip/a.pdf"


def test_names_from_chinese_windows_are_read(tmp_path: Path) -> None:
    raw = "绩效自评表.pdf".encode("gbk")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("X" * len(raw), PDF)
    data = buffer.getvalue().replace(b"X" * len(raw), raw)
    assert stems(written(tmp_path, {"z.zip": data}) / "z.zip") == ["z/绩效自评表"]


def test_bombs_are_counted_while_they_unpack(tmp_path: Path) -> None:
    bomb = zip_of({"a.bmp": b"BM" + bytes(30_000_000), "b.pdf": PDF})
    path = written(tmp_path, {"z.zip": bomb}) / "z.zip"
    (error,) = errors(path, limits=Limits(free_zip_bytes=2**20))
    assert isinstance(error, TooLarge) and error.name == "z.zip"
    (error,) = errors(path, limits=Limits(max_zip_bytes=2**20))
    assert isinstance(error, TooLarge)
    (error,) = errors(path, limits=Limits(max_bytes=2**20))
    assert isinstance(error, TooLarge) and error.name == "z.zip/a.bmp"
    assert stems(path, limits=Limits(max_bytes=2**20)) == ["z/b"]
    assert stems(path) == ["z/a", "z/b"]


def test_nested_bomb_spends_the_budget_of_the_outer_archive(tmp_path: Path) -> None:
    inner = zip_of({"a.bmp": b"BM" + bytes(3_000_000)})
    data = zip_of({f"{i}.zip": inner for i in range(5)})
    (error,) = errors(
        written(tmp_path, {"z.zip": data}) / "z.zip", limits=Limits(max_zip_bytes=10_000_000)
    )
    assert isinstance(error, TooLarge)


def test_archive_of_too_many_files_is_refused(tmp_path: Path) -> None:
    data = zip_of({f"{i}.pdf": PDF for i in range(20)})
    path = written(tmp_path, {"z.zip": data}) / "z.zip"
    assert [type(e) for e in errors(path, limits=Limits(max_zip_files=19))] == [TooLarge]
    assert len(stems(path, limits=Limits(max_zip_files=20))) == 20


def test_damaged_archive_and_damaged_entry(tmp_path: Path) -> None:
    whole = zip_of({"a.pdf": PDF * 100, "b.pdf": PDF}, zipfile.ZIP_STORED)
    broken = bytearray(whole)
    broken[100] ^= 0xFF
    paths = written(tmp_path, {"cut.zip": whole[:-30], "entry.zip": bytes(broken)})
    (cut,) = errors(paths / "cut.zip")
    assert isinstance(cut, DamagedInput)
    (entry,) = errors(paths / "entry.zip")
    assert isinstance(entry, DamagedInput) and entry.name == "entry.zip/a.pdf"
    assert stems(paths / "entry.zip") == ["entry/b"]


def test_office_document_is_not_taken_for_an_archive(tmp_path: Path) -> None:
    data = zip_of({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})
    (error,) = errors(written(tmp_path, {"form.docx": data}) / "form.docx")
    assert isinstance(error, UnsupportedInput) and "PDF" in error.reason


def test_limit_on_the_bytes_of_one_file(tmp_path: Path) -> None:
    path = written(tmp_path, {"a.pdf": PDF + bytes(2000)}) / "a.pdf"
    (error,) = errors(path, limits=Limits(max_bytes=1000))
    assert isinstance(error, TooLarge)


@given(st.text(max_size=300))
def test_every_stem_stays_inside_the_output_folder(name: str) -> None:
    stem = safe_stem(name)
    assert stem and not stem.startswith("/") and ".." not in stem.split("/")
    assert all(0 < len(part.encode()) <= 180 for part in PurePosixPath(stem).parts)
    assert "\x00" not in stem


@given(st.lists(st.text(max_size=8), unique_by=str.casefold))
def test_natural_order_does_not_depend_on_the_order_given(names: list[str]) -> None:
    turned = list(reversed(names))
    keys = [natural_key(name) for name in sorted(turned, key=natural_key)]
    assert keys == [natural_key(name) for name in sorted(names, key=natural_key)]
    assert natural_key("page 9") < natural_key("page 10")
