from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from archive.blobs import Blobs, picture_key, source_key
from archive.errors import BlobMissing, StorageFull, StorageGone


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of a bucket that speaks S3 over HTTP, as ``FORMLOOP_STORAGE_URL`` would."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in names.items():
            environment.setenv(name, value)
        S3FileSystem(skip_instance_cache=True).mkdir("formloop")
        yield "s3://formloop"
    server.stop()


@pytest.fixture(params=["local", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    match request.param:
        case "local":
            return Blobs(str(tmp_path / "blobs"))
        case "memory":
            return Blobs(f"memory://{tmp_path}")
    return Blobs(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


class Breaking(io.RawIOBase):
    """Gives some bytes and then fails, as an upload that breaks off or a full disk."""

    def __init__(self, error: OSError) -> None:
        self.error, self.given = error, False

    def read(self, size: int = -1) -> bytes:
        if self.given:
            raise self.error
        self.given = True
        return b"half of it"


def test_what_was_written_is_read(storage: Blobs) -> None:
    key = picture_key("01J", 1, 12)
    assert key == "documents/01J/1/page-0012.picture"
    assert storage.write(key, io.BytesIO(b"x" * 3_000_000)) == 3_000_000
    assert storage.exists(key) and storage.size(key) == 3_000_000
    with storage.open(key) as stream:
        stream.seek(2_999_999)
        assert stream.read() == b"x"
    storage.write(key, b"new")
    assert storage.read(key) == b"new"


def test_a_missing_blob_is_said_so(storage: Blobs) -> None:
    assert not storage.exists("documents/none")
    for ask in (storage.read, storage.size, storage.open):
        with pytest.raises(BlobMissing):
            ask("documents/none")
    storage.delete("documents/none")
    assert list(storage.keys("documents/none")) == []


def test_deleting_takes_all_under_the_prefix_and_nothing_beside_it(storage: Blobs) -> None:
    for key in ("documents/1/1/a.png", "documents/1/2/a.png", "documents/11/1/a.png"):
        storage.write(key, b"x")
    storage.delete("documents/1")
    assert list(storage.keys()) == ["documents/11/1/a.png"]
    storage.delete("documents/11/1/a.png")
    assert list(storage.keys("documents")) == []


@pytest.mark.parametrize(
    "key", ["../out", "a/../../out", "/etc/passwd", "a//b", ".hidden", "a/.b", "", "a\0b", "a b"]
)
def test_no_key_leads_out_of_the_storage(storage: Blobs, key: str) -> None:
    for ask in (storage.read, storage.exists, storage.delete):
        with pytest.raises(BlobMissing):
            ask(key)
    with pytest.raises(BlobMissing):
        storage.write(key, b"x")


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, StorageFull), (errno.EIO, StorageGone)]
)
def test_a_write_that_breaks_off_leaves_what_was_there(
    storage: Blobs, number: int, expected: type[Exception]
) -> None:
    storage.write("sources/a", b"before")
    with pytest.raises(expected):
        storage.write("sources/a", Breaking(OSError(number, os.strerror(number))))  # type: ignore[arg-type]
    assert storage.read("sources/a") == b"before"
    assert list(storage.keys()) == ["sources/a"]


def test_a_really_full_disk_is_told_apart(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(StorageFull):
        Blobs(str(tmp_path)).write("x", FullStream())  # type: ignore[arg-type]


class FullStream(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
        return b""


def test_two_uploads_of_one_file_have_keys_of_their_own() -> None:
    assert source_key("ab12", "u1") != source_key("ab12", "u2")
    assert source_key("ab12", "u1").startswith("sources/ab/ab12")


def test_bucket_that_cannot_be_reached_is_gone_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = Blobs("s3://formloop/elsewhere")
    storage._fs = S3FileSystem(skip_instance_cache=True)
    storage._fs.retries = 1
    for ask in (storage.exists, storage.read):
        with pytest.raises(StorageGone, match="cannot reach a/b"):
            ask("a/b")


def test_blobs_are_listed_with_the_time_of_their_writing(storage: Blobs) -> None:
    assert storage.names("sources") == () and storage.written_at("sources/ab") is None
    before = datetime.now(UTC) - timedelta(seconds=2)
    for key in ("sources/ab/one", "sources/ab/two", "sources/cd/three"):
        storage.write(key, b"1")
    assert storage.names("sources") == ("ab", "cd")
    assert storage.names("sources/ab") == ("one", "two")
    for prefix in ("sources/ab/one", "sources/ab"):
        written_at = storage.written_at(prefix)
        assert written_at is not None
        assert before <= written_at <= datetime.now(UTC) + timedelta(seconds=2)
    assert storage.delete_parts(datetime.now(UTC)) == 0
    assert len(list(storage.keys())) == 3
