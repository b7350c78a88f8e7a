"""Our own Label Studio: found, installed, and kept private."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from archive.errors import Refused
from archive.settings import Settings
from service import studio
from service.first_start import ADMIN_FILE, prepare, renew_url, tell_label_studio
from service.up_command import service_specs
from workers.train_process import can_train

TOKEN = "0f" * 20


def settings(data: Path, **more: str) -> Settings:
    return Settings.from_environment(data, {"FORMLOOP_SECRET_KEY": "x", **more})


def test_none_is_wanted(tmp_path: Path) -> None:
    assert studio.find_studio(settings(tmp_path), False, 8080, print) is None
    assert [spec.name for spec in service_specs(settings(tmp_path), 8000, 1)] == [
        "web",
        "schedule",
        "extract-1",
        *(["train"] if can_train() else []),
    ]


def test_one_that_runs_elsewhere_needs_its_token(tmp_path: Path) -> None:
    elsewhere = settings(tmp_path, FORMLOOP_LABEL_STUDIO_URL="http://ls.example/path/")
    with pytest.raises(Refused, match="FORMLOOP_LABEL_STUDIO_TOKEN"):
        studio.find_studio(elsewhere, False, 8080, print)
    named = settings(
        tmp_path,
        FORMLOOP_LABEL_STUDIO_URL="http://ls.example/path/",
        FORMLOOP_LABEL_STUDIO_TOKEN=TOKEN,
    )
    found = studio.find_studio(named, True, 8080, print)
    assert found is not None and found.spec is None and found.url == "http://ls.example/path"
    specs = {spec.name: spec for spec in service_specs(named, 8000, 1, found)}
    assert specs["review"].environment["FORMLOOP_LABEL_STUDIO_TOKEN"] == TOKEN
    assert studio.STUDIO not in specs


def test_our_own_is_for_this_machine_and_its_secrets_are_in_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(studio.PROGRAM_VARIABLE, sys.executable)
    found = studio.find_studio(settings(tmp_path), True, 8081, print)
    assert found is not None and found.spec is not None and found.account is not None
    assert found.url == "http://127.0.0.1:8081"
    command = " ".join(found.spec.command)
    assert "--internal-host 127.0.0.1" in command
    assert found.account.token not in command and found.account.password not in command
    assert found.account.password not in repr(found) and found.token not in repr(found)
    assert (tmp_path / studio.STUDIO).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / studio.STUDIO / "account.json").stat().st_mode & 0o777 == 0o600
    again = studio.find_studio(settings(tmp_path), True, 8081, print)
    assert again is not None and again.account == found.account


def test_a_named_program_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(studio.PROGRAM_VARIABLE, "/nowhere/label-studio")
    with pytest.raises(Refused, match=r"FORMLOOP_LABEL_STUDIO_BIN is /nowhere"):
        studio.find_program(tmp_path, print)


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(studio, "find_spec", lambda name: None)
    said: list[str] = []
    with pytest.raises(Refused, match=r"(?s)could not be installed.*FORMLOOP_LABEL_STUDIO_URL"):
        studio.find_sdk(tmp_path, said.append)
    assert said and "label-studio-sdk" in said[0]


def test_people_find_the_way_in_beside_the_rest(tmp_path: Path) -> None:
    prepare(settings(tmp_path), "http://127.0.0.1:8000")
    file = tmp_path / ADMIN_FILE
    tell_label_studio(file, "http://127.0.0.1:8080", "boss@example.com", "secret")
    renew_url(file, "http://127.0.0.1:9000")
    content = file.read_text("utf-8")
    assert "boss@example.com" in content and "http://127.0.0.1:9000" in content
    assert file.stat().st_mode & 0o777 == 0o600
