"""How much the web process grows with what it is sent: one large upload, as files and as a ZIP."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.report import Figures, Section, figures_to_markdown
from service.client import ServiceAddress, find_address, open_client
from tests.service.servers import web_process

MB: Final = 2**20
FILES, QUICK_FILES = 21, 4
"""Of 100 MB each: 2 GiB and a little more."""
FILE_MB: Final = 100
MOST_GROWN_MB: Final = 50


@dataclass(frozen=True, slots=True)
class Upload:
    """``documents`` were accepted; ``grown`` is the most of resident bytes beyond those before."""

    documents: int
    sent: int
    grown: int
    seconds: float


def measure_upload(folder: Path, quick: bool = False) -> Section:
    files = QUICK_FILES if quick else FILES
    ways = {"files": False, "one ZIP": True}
    made = {way: send_large(folder / f"{packed}", files, packed) for way, packed in ways.items()}
    columns = ("upload, sent as", "megabytes", "seconds", "the web process grew by", "asked")
    rows = tuple(
        (
            *(way, f"{upload.sent / MB:.0f}", f"{upload.seconds:.0f}"),
            *(f"{upload.grown / MB:.1f} MB", f"≤ {MOST_GROWN_MB} MB"),
        )
        for way, upload in made.items()
    )
    data = {way: asdict(upload) for way, upload in made.items()}
    return Section("upload", "Upload", figures_to_markdown(Figures(columns, rows)), data)


def send_large(folder: Path, files: int, packed: bool) -> Upload:
    """So many ``files`` of 100 MB, sent in one request to a web process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = _write_scans(folder, files)
    if packed:
        paths = {"all.zip": _pack(folder / "all.zip", paths)}
    small = folder / "small.pdf"
    small.write_bytes(b"%PDF-1.7 small")
    with web_process(folder / "data") as (_, process):
        address = find_address(folder / "data", {})
        # Once for all that is loaded with the first upload.
        _send(address, {small.name: small})
        before = psutil.Process(process.pid).memory_info().rss
        with _watched(process.pid) as seen:
            started = time.perf_counter()
            documents = _send(address, paths)
            seconds = time.perf_counter() - started
    sent = sum(path.stat().st_size for path in paths.values())
    return Upload(documents, sent, max(seen) - before, seconds)


def _write_scans(folder: Path, files: int) -> Mapping[str, Path]:
    """No two are alike; holes, so that they take no room on the disk."""
    written = {}
    for number in range(files):
        path = folder / f"{number}.pdf"
        with path.open("wb") as file:
            file.write(f"%PDF-1.7 {number}\n".encode())
            file.truncate(FILE_MB * MB)
        written[path.name] = path
    return written


def _pack(archive: Path, files: Mapping[str, Path]) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        for name, path in files.items():
            out.write(path, name)
    return archive


def _send(address: ServiceAddress, files: Mapping[str, Path]) -> int:
    """How many documents came of it."""
    with open_client(address) as client:
        told = client.post_files("/api/archives", {"name": "large"}, files, lambda _: None)
    documents = told["documents"]
    if not isinstance(documents, list):
        raise TypeError(f"no documents in {told}")
    return len(documents)


@contextmanager
def _watched(process_id: int) -> Iterator[list[int]]:
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
