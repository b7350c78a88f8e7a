"""The clock lets the database count what grew."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from archive.database import Database
from archive.settings import Settings
from workers import statistics
from workers.schedule_process import plan
from workers.statistics import keep_statistics


def test_the_scheduler_renews_them_beside_its_other_work(tmp_path: Path) -> None:
    settings = Settings.from_environment(tmp_path, {"FORMLOOP_REDIS_URL": "redis://127.0.0.1:1/0"})
    Database(settings.database_url).migrate()
    own, *aside = plan(settings)
    assert "statistics" not in {job.name for job in own}
    [job] = [job for jobs in aside for job in jobs if job.name == "statistics"]
    assert job.every_s <= 60
    job.action()


def test_what_was_counted_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    caplog.set_level(logging.INFO)
    keep_statistics(database)
    assert caplog.messages == []
    monkeypatch.setattr(statistics, "renew_statistics", lambda database: ("field_value",))
    keep_statistics(database)
    assert caplog.messages == ["tables counted anew"]
