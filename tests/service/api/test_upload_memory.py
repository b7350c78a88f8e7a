"""The web process does not grow with what it is sent."""

import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from service.client import ServiceAddress, find_address, open_client
from tests.service.servers import web_process

MB = 2**20
FILES = int(os.environ.get("FORMLOOP_TEST_UPLOAD_FILES", "4"))
"""Of 100 MB each."""


@contextmanager
def watched(process_id: int) -> Iterator[list[int]]:
    """The resident bytes of a process, looked at again and again."""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        process = psutil.Process(process_id)
        while not over.wait(0.02):
            seen.append(process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def write_scans(folder: Path) -> dict[str, Path]:
    files = {}
    for number in range(FILES):
        path = folder / f"{number}.pdf"
        with path.open("wb") as file:
            file.write(f"%PDF-1.7 {number}\n".encode())
            file.truncate(100 * MB)
        files[path.name] = path
    return files


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_a_large_upload_does_not_grow_the_web_process(tmp_path: Path, packed: bool) -> None:
    files = write_scans(tmp_path)
    if packed:
        archive = tmp_path / "all.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
            for name, path in files.items():
                out.write(path, name)
        files = {"all.zip": archive}
    with web_process(tmp_path / "data") as (_, process):
        address = find_address(tmp_path / "data", {})
        small = tmp_path / "small.pdf"
        small.write_bytes(b"%PDF-1.7 small")
        # Once for all that is loaded with the first upload.
        send(address, {"small.pdf": small})
        before = psutil.Process(process.pid).memory_info().rss
        with watched(process.pid) as seen:
            started = time.perf_counter()
            assert send(address, files) == FILES
            seconds = time.perf_counter() - started
    grown = max(seen) - before
    print(f"{FILES * 100} MB in {seconds:.1f} s: grown by {grown / MB:.1f} MB")  # noqa: T201
    assert grown < 50 * MB


def send(address: ServiceAddress, files: dict[str, Path]) -> int:
    with open_client(address) as client:
        told = client.post_files("/api/archives", {"name": "large"}, files, lambda _: None)
    documents = told["documents"]
    assert isinstance(documents, list)
    return len(documents)


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with web_process(tmp_path / "data") as (url, _):
        address = find_address(tmp_path / "data", {})
        incoming = tmp_path / "data" / "incoming"

        def broken() -> Iterator[bytes]:
            yield b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n'
            yield b"\r\n%PDF-1.7" + bytes(3 * MB)
            wait_until(lambda: any(incoming.glob("*/*")))
            raise ConnectionAbortedError

        headers = {
            "Authorization": f"Bearer {address.token}",
            "Content-Type": "multipart/form-data; boundary=edge",
        }
        with pytest.raises(ConnectionAbortedError):
            httpx.post(f"{url}/api/archives", content=broken(), headers=headers)
        wait_until(lambda: not any(incoming.iterdir()))
        with open_client(address) as client:
            assert client.get("/api/archives")["archives"] == []


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
