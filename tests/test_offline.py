"""After the install nothing reaches for the network, and serving never imports torch."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVING = ("extraction", "annotation", "archive", "service", "models.labeller")
TRAINING_ONLY = ("torch", "transformers")

# Runs first in every process of the command: refuses the network and what only training may
# import, and keeps a note of each attempt, since a library could hide that it was refused.
GUARD = f"""
import os, sys

def refuse(event, arguments):
    if event == "socket.getaddrinfo" or (
        event == "socket.connect" and isinstance(arguments[1], tuple)
    ):
        note(f"{{event}} {{arguments[1] if event == 'socket.connect' else arguments[0]}}")
        raise OSError("the network is blocked")
    if event == "import" and arguments[0].partition(".")[0] in {TRAINING_ONLY!r}:
        raise ModuleNotFoundError(arguments[0])

def note(line):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(line + "\\n")

sys.addaudithook(refuse)
"""


def isolated(call: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The call without network, home, proxies or torch; in a network of its own where allowed."""
    guard = tmp_path / "guard"
    home = tmp_path / "home"
    for folder in (guard, home):
        folder.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": f"{guard}{os.pathsep}{ROOT}",
        "PYTHONUTF8": "1",
        "ATTEMPTS": str(tmp_path / "attempts"),
    }
    return subprocess.run(
        [*_own_network(), *call],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )


def _own_network() -> list[str]:
    """A prefix that leaves a process no network device at all, empty where that is not allowed."""
    prefix = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None:
        return []
    allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if allowed else []


def test_the_guard_guards(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    done = isolated([sys.executable, "-c", code], tmp_path)
    assert done.returncode != 0 and "the network is blocked" in done.stderr
    assert (tmp_path / "attempts").read_text().startswith("socket.")


@pytest.mark.slow
def test_a_scan_becomes_a_record_with_the_network_blocked(tmp_path: Path, samples: Path) -> None:
    scan = samples / "scans" / "seed_004_office200.pdf"
    command = [sys.executable, "-c", "from service.cli import main; main()"]
    done = isolated([*command, "extract", str(scan), "-o", "-"], tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    truth = json.loads((samples / "truth" / "seed_004.json").read_text(encoding="utf-8"))
    assert record["form_type"] == truth["form_type"]
    assert record["fields"]["project_name"]["text"] == truth["fields"]["project_name"]
    assert not (tmp_path / "attempts").exists(), (tmp_path / "attempts").read_text()


def test_serving_modules_import_nothing_of_training() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name in SERVING
        for path in _module_files(name)
        # Run by Alembic alone, in a context that it makes.
        if path.parts[-2:] != ("migrations", "env.py")
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n    importlib.import_module(name)\n"
        f"print([name for name in {TRAINING_ONLY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_one_module_owns_paddleocr() -> None:
    importing = re.compile(
        r"""^\s*(import|from) paddleocr\b|import_module\(["']paddleocr["']\)""", re.MULTILINE
    )
    owners = [
        path.relative_to(ROOT).as_posix()
        for folder in ("extraction", "models", "annotation", "archive", "workers", "service")
        for path in _module_files(folder)
        if importing.search(path.read_text(encoding="utf-8"))
    ]
    assert len(owners) == 1, owners


def _module_files(name: str) -> list[Path]:
    path = ROOT.joinpath(*name.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
