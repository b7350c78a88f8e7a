from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from extraction.errors import InputError
from extraction.pages.read import read_pages
from extraction.pages.sources import SourceFile, iter_sources
from extraction.values import RawPage
from tests.extraction.damaged import DamagedFile, damaged_corpus, whole_files

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")

CORPUS = damaged_corpus()
LONGEST_S = 10.0


def pages_of(path: Path) -> list[RawPage | InputError]:
    """All that a file gives, pages and errors, as the command line would see them."""
    found: list[RawPage | InputError] = []
    for source in iter_sources([path]):
        if isinstance(source, SourceFile):
            found += read_pages(source.data, source.name)
        else:
            found.append(source)
    return found


def test_corpus_is_large_varied_and_the_same_each_time() -> None:
    names = [file.name for file in CORPUS]
    assert len(names) >= 200
    assert len(set(names)) == len(names)
    again = {file.name: file.data for file in damaged_corpus()}
    assert all(again[file.name] == file.data for file in CORPUS)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_damaged_file_gives_pages_or_one_clear_line(file: DamagedFile, tmp_path: Path) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)
    start = time.perf_counter()
    found = pages_of(path)
    assert time.perf_counter() - start < LONGEST_S
    assert found, "neither a page nor a reason"
    for item in found:
        if isinstance(item, InputError):
            line = str(item)
            assert "\n" not in line and item.reason
            assert item.name is not None and item.name.startswith(file.name)
        else:
            assert item.image.ndim == 3 and item.image.dtype == np.uint8 and item.dpi > 0


def test_good_files_between_damaged_ones_are_all_read(tmp_path: Path) -> None:
    good = whole_files()
    for i, file in enumerate(CORPUS[::9]):
        (tmp_path / f"{i:03d}_{file.name}").write_bytes(file.data)
    for i, (name, data) in enumerate(good.items()):
        (tmp_path / f"{40 * i:03d}_good_{name}").write_bytes(data)
    read: dict[str, int] = {}
    for source in iter_sources([tmp_path]):
        if isinstance(source, SourceFile) and "_good_" in source.stem:
            pages = list(read_pages(source.data, source.name))
            assert all(isinstance(page, RawPage) for page in pages), source.name
            top = source.stem.partition("/")[0].partition("_good_")[2]
            read[top] = read.get(top, 0) + len(pages)
    assert sum(read.values()) == 12


def test_undamaged_files_of_the_corpus_are_read_whole(tmp_path: Path) -> None:
    counts = {"scan.pdf": 2, "text.pdf": 2, "fax.tif": 2, "pages.zip": 2}
    for name, data in whole_files().items():
        path = tmp_path / name
        path.write_bytes(data)
        found = pages_of(path)
        assert len(found) == counts.get(name, 1)
        assert all(isinstance(item, RawPage) for item in found)
