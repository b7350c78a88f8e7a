from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from archive.ids import LENGTH, new_id
from archive.settings import Settings


def test_with_nothing_set_all_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.from_environment(tmp_path / "data", {})
    assert settings.database_url == f"sqlite:///{tmp_path}/data/formloop.db"
    assert settings.storage_url == str(tmp_path / "data" / "blobs")
    assert settings.redis_url is None
    assert settings.public_url == "http://127.0.0.1:8000"


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = Settings.from_environment(tmp_path, {})
    assert len(first.secret_key) == 64
    assert Settings.from_environment(tmp_path, {}).secret_key == first.secret_key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    start, found = threading.Barrier(8), set()

    def read() -> None:
        start.wait()
        found.add(Settings.from_environment(tmp_path, {}).secret_key)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


def test_the_environment_moves_each_part_out(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        tmp_path,
        {
            "FORMLOOP_REDIS_URL": "redis://r/1",
            "FORMLOOP_DATABASE_URL": "postgresql://p/x",
            "FORMLOOP_STORAGE_URL": "s3://b/x",
            "FORMLOOP_PUBLIC_URL": "https://forms.example.org/",
            "FORMLOOP_SECRET_KEY": "given",
            "FORMLOOP_LABEL_STUDIO_URL": "http://ls",
            "FORMLOOP_LABEL_STUDIO_TOKEN": "t",
        },
    )
    assert (settings.redis_url, settings.storage_url) == ("redis://r/1", "s3://b/x")
    assert settings.public_url == "https://forms.example.org"
    assert settings.secret_key == b"given" and not (tmp_path / "secret.key").exists()
    assert settings.label_studio_url == "http://ls"


def test_no_secret_is_printed_with_the_settings(tmp_path: Path) -> None:
    shown = repr(
        Settings.from_environment(
            tmp_path,
            {
                "FORMLOOP_DATABASE_URL": "postgresql://u:hidden@p/x",
                "FORMLOOP_REDIS_URL": "redis://:hidden@r",
                "FORMLOOP_SECRET_KEY": "hidden",
                "FORMLOOP_LABEL_STUDIO_TOKEN": "hidden",
            },
        )
    )
    assert "hidden" not in shown


@pytest.mark.parametrize("count", [5000])
def test_ids_are_unique_and_sort_by_when_they_were_made(count: int) -> None:
    ids = [new_id() for _ in range(count)]
    assert ids == sorted(set(ids)) and {len(made) for made in ids} == {LENGTH}
