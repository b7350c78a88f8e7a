from __future__ import annotations

from pathlib import Path

import pytest

from extraction.errors import ModelError
from models.registry import (
    NETWORK_FILE,
    POINTER_FILE,
    find_current,
    find_version,
    json_to_version,
    list_versions,
    read_version,
    read_vocabulary,
    set_current,
    version_to_json,
)
from models.tokens import PieceSettings
from models.windows import WindowSettings
from tests.models.examples import VOCABULARY, write_tiny_version


def test_a_version_survives_its_file(tmp_path: Path) -> None:
    windows = WindowSettings(pieces=PieceSettings(length=2), length=300)
    path = write_tiny_version(tmp_path, windows=windows)
    version = read_version(path)
    assert version.windows == windows
    assert json_to_version(version_to_json(version)) == version
    assert read_vocabulary(path) == VOCABULARY


def test_versions_are_listed_oldest_first_and_half_written_ones_are_not(tmp_path: Path) -> None:
    write_tiny_version(tmp_path, "b", created_at="2021-01-02T00:00:00+00:00")
    write_tiny_version(tmp_path, "c", created_at="2021-01-01T00:00:00+00:00")
    (write_tiny_version(tmp_path, "a") / NETWORK_FILE).unlink()
    assert [version.name for version in list_versions(tmp_path)] == ["c", "b"]


def test_the_version_made_current_last_is_current(tmp_path: Path) -> None:
    _, second = (write_tiny_version(tmp_path, name) for name in ("first", "second"))
    set_current(tmp_path, "first")
    set_current(tmp_path, "second")
    assert find_current(tmp_path) == second


def test_making_the_current_version_current_again_changes_nothing(tmp_path: Path) -> None:
    write_tiny_version(tmp_path, "only")
    set_current(tmp_path, "only")
    pointer = (tmp_path / POINTER_FILE).read_text("utf-8")
    set_current(tmp_path, "only")
    assert (tmp_path / POINTER_FILE).read_text("utf-8") == pointer


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="make train"):
        find_current(tmp_path)


@pytest.mark.parametrize("name", ["missing", "../tiny", "a/b", ".."])
def test_unknown_names_and_ways_out_are_refused(tmp_path: Path, name: str) -> None:
    write_tiny_version(tmp_path)
    with pytest.raises(ModelError, match="no version"):
        find_version(tmp_path / "inner" if name == "../tiny" else tmp_path, name)


def test_a_strange_version_file_is_named(tmp_path: Path) -> None:
    path = write_tiny_version(tmp_path)
    (path / "version.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match=r"version\.json"):
        read_version(path)
