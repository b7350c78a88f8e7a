"""A data folder's own versions beside the shipped ones."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from extraction.errors import ModelError
from models.registry import POINTER_FILE, Registry, set_current
from tests.models.examples import write_tiny_version


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    write_tiny_version(tmp_path / "shipped", "shipped")
    set_current(tmp_path / "shipped", "shipped")
    return Registry(tmp_path / "data" / "models", tmp_path / "shipped")


def add(registry: Registry, name: str) -> Path:
    return write_tiny_version(registry.own, name, created_at=f"2022-01-01T00:00:00+00:0{name[-1]}")


def test_the_shipped_version_is_in_use_until_another_is_promoted(registry: Registry) -> None:
    assert registry.find_current().name == "shipped"
    path = add(registry, "own-1")
    assert registry.find_current().name == "shipped"
    assert registry.promote("own-1") == path
    assert registry.find_current() == path
    assert [version.name for version in registry.list_versions()] == ["shipped", "own-1"]


def test_a_rollback_leads_back_as_far_as_the_shipped_version(registry: Registry) -> None:
    for name in ("own-1", "own-2"):
        add(registry, name)
        registry.promote(name)
    assert registry.roll_back() == "own-1"
    assert registry.roll_back() == "shipped"
    assert registry.find_current().parent == registry.shipped
    with pytest.raises(ModelError, match="no earlier version"):
        registry.roll_back()


def test_the_shipped_version_can_be_promoted_again(registry: Registry) -> None:
    add(registry, "own-1")
    registry.promote("own-1")
    registry.promote("shipped")
    assert registry.find_current().name == "shipped"
    assert registry.roll_back() == "own-1"


def test_a_version_that_is_gone_is_passed_over(registry: Registry) -> None:
    add(registry, "own-1")
    registry.promote("own-1")
    (registry.own / POINTER_FILE).write_text("older-shipped\nown-1\nlost\n", encoding="utf-8")
    assert registry.find_current().name == "own-1"
    (registry.own / POINTER_FILE).write_text("older-shipped\nlost\n", encoding="utf-8")
    assert registry.find_current().name == "shipped"
    with pytest.raises(ModelError, match="no earlier"):
        registry.roll_back()


@pytest.mark.parametrize("name", ["missing", "../shipped/shipped", "", ".."])
def test_names_that_lead_nowhere_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(ModelError, match="known: shipped"):
        registry.promote(name)
    assert registry.find_current().name == "shipped"


def test_who_looks_while_others_promote_always_sees_a_whole_version(registry: Registry) -> None:
    for number in (1, 2, 3):
        add(registry, f"own-{number}")
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(registry.find_current().name)

    def promote(number: int) -> None:
        for _ in range(15):
            registry.promote(f"own-{number}")

    watcher = threading.Thread(target=look)
    watcher.start()
    promoters = [threading.Thread(target=promote, args=(number,)) for number in (1, 2, 3)]
    for thread in promoters:
        thread.start()
    for thread in promoters:
        thread.join()
    stop.set()
    watcher.join()
    assert set(seen) <= {"shipped", "own-1", "own-2", "own-3"}
    history = (registry.own / POINTER_FILE).read_text(encoding="utf-8").split()
    assert history[0] == "shipped"
    assert all(one != other for one, other in itertools.pairwise(history))
