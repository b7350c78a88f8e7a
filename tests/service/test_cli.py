"""What may be called, what a wrong call says, and that help costs no engine."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from extraction.declarations import FORMS_FOLDER

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("extraction", "numpy", "cv2", "onnxruntime", "openvino", "paddleocr", "jinja2")


def formloop(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user's shell starts it."""
    call = [sys.executable, "-c", "from service.cli import main; main()", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)


@pytest.mark.parametrize(
    "command", [(), ("extract",), ("forms",), ("forms", "check")], ids=lambda c: " ".join(c)
)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    done = formloop(*command, "--help")
    assert done.returncode == 0 and "Usage" in done.stdout and not done.stderr


def test_version_is_the_distribution_s() -> None:
    done = formloop("--version")
    assert done.stdout.split() == ["formloop", metadata.version("formloop")]


def test_help_loads_no_engine() -> None:
    code = (
        "import sys\nfrom service.cli import app\n"
        "try:\n    app(['extract', '--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Usage"),
        (("extract",), "Missing argument"),
        (("extract", "a.pdf"), "Missing option"),
        (("extract", "a.pdf", "-o", "out", "--format", "docx"), "docx"),
        (("extract", "a.pdf", "-o", "out", "--form-type", "invoice"), "project_self_evaluation"),
        (("extract", "a.pdf", "-o", "out", "--engine", "tpu"), "tpu"),
        (("extract", "a.pdf", "-o", "out", "--jobs", "0"), "jobs"),
        (("extract", "a.pdf", "-o", "Makefile"), "not a folder"),
        (("inspect",), "No such command"),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_why(arguments: tuple[str, ...], told: str) -> None:
    done = formloop(*arguments)
    assert done.returncode == 2
    assert told in done.stderr + (done.stdout if not arguments else "")


def test_forms_lists_every_declaration() -> None:
    done = formloop("forms")
    assert done.returncode == 0
    for path in FORMS_FOLDER.glob("*.yaml"):
        assert path.stem in done.stdout


def test_forms_check_tells_right_from_wrong(tmp_path: Path) -> None:
    right = next(FORMS_FOLDER.glob("*.yaml"))
    assert formloop("forms", "check", right).returncode == 0
    wrong = tmp_path / "broken.yaml"
    wrong.write_text("name: broken\ntitle: 表\n", encoding="utf-8")
    done = formloop("forms", "check", wrong)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "broken.yaml" in done.stderr and "fields" in done.stderr
