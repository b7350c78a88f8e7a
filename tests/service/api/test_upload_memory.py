"""The web process does not grow with what it is sent."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.upload import MB, MOST_GROWN_MB, QUICK_FILES, send_large
from service.client import find_address, open_client
from tests.service.servers import web_process


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_a_large_upload_does_not_grow_the_web_process(tmp_path: Path, packed: bool) -> None:
    upload = send_large(tmp_path, QUICK_FILES, packed)
    assert upload.documents == QUICK_FILES
    assert upload.grown < MOST_GROWN_MB * MB


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
