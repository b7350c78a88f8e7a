"""A Label Studio of our own: installed on first use, run as a child of ``formloop up``.

It lives in an environment of its own, since what it is pinned to and what the engines are
pinned to exclude each other.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import httpx

from archive.errors import Refused
from archive.settings import Settings
from service.up import ChildSpec

STUDIO: Final = "label-studio"
STUDIO_VERSION: Final = "1.23.2"
SDK_VERSION: Final = "2.1.2"
CONSTRAINTS: Final = Path(__file__).with_name("label_studio_constraints.txt")
PROGRAM_VARIABLE: Final = "FORMLOOP_LABEL_STUDIO_BIN"
USER: Final = "admin@example.com"
START_S: Final = 300.0
"""How long its first start, which makes its database, may take."""
ELSEWHERE: Final = (
    "or name one that runs elsewhere by FORMLOOP_LABEL_STUDIO_URL and FORMLOOP_LABEL_STUDIO_TOKEN"
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StudioAccount:
    """The first user of our own Label Studio, for people and, by the token, for us."""

    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Studio:
    """The Label Studio that reviews go to. ``spec`` and ``account`` only where it is our own;
    ``sdk`` is the folder of its SDK where that is not installed beside us."""

    url: str
    token: str = field(repr=False)
    sdk: Path | None = None
    spec: ChildSpec | None = None
    account: StudioAccount | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process that speaks with it needs."""
        paths = [str(self.sdk)] if self.sdk else []
        paths += [path for path in (os.environ.get("PYTHONPATH"),) if path and self.sdk]
        return {
            "FORMLOOP_LABEL_STUDIO_URL": self.url,
            "FORMLOOP_LABEL_STUDIO_TOKEN": self.token,
            **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {}),
        }


def find_studio(settings: Settings, wanted: bool, port: int, say: Say) -> Studio | None:
    """The Label Studio that the environment names, else our own where it is ``wanted``.

    Refused where one is named without a token, or our own cannot be installed.
    """
    folder = settings.data / STUDIO
    url, token = settings.label_studio_url, settings.label_studio_token
    if url is None and not wanted:
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    if url is not None:
        if token is None:
            raise Refused(
                "FORMLOOP_LABEL_STUDIO_URL is set but FORMLOOP_LABEL_STUDIO_TOKEN is not: copy"
                " a token from Label Studio's page Account & Settings into it"
            )
        return Studio(url.rstrip("/"), token, find_sdk(folder, say))
    program = find_program(folder, say)
    account = find_account(folder)
    return Studio(
        f"http://127.0.0.1:{port}",
        account.token,
        find_sdk(folder, say),
        studio_spec(program, folder, account, port),
        account,
    )


def say_how_it_stands(studio: Studio, stopping: Callable[[], bool], say: Say) -> None:
    """Wait until our own has started, then say in one line whether it can be used."""
    until = time.monotonic() + START_S
    while studio.spec is not None and not _answers(studio.url) and time.monotonic() < until:
        if stopping():
            return
        time.sleep(1.0)
    command = (sys.executable, "-m", "annotation.check")
    environment = {**os.environ, **studio.environment}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not stopping():
        say(answer.stdout.strip() or f"Label Studio was not checked: {answer.stderr[-300:]}")


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", timeout=5.0).status_code == httpx.codes.OK
    return False


def find_program(folder: Path, say: Say) -> Path:
    """The ``label-studio`` to run: the named one, else the one in ``folder``, which is
    installed there first where it is not yet.

    Refused where the named one is not there, or the installation does not succeed.
    """
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise Refused(f"{PROGRAM_VARIABLE} is {named}, which cannot be run")
        return Path(named)
    venv, installed = folder / "venv", folder / f"installed-{STUDIO_VERSION}"
    program = venv / "bin" / "label-studio"
    if not (installed.exists() and program.exists()):
        say(f"installing Label Studio {STUDIO_VERSION} into {venv}: once, some minutes, 1 GB")
        _run((sys.executable, "-m", "venv", str(venv)), folder, "its environment")
        pip = (str(venv / "bin" / "python"), "-m", "pip", "install")
        wanted = ("-c", str(CONSTRAINTS), f"label-studio=={STUDIO_VERSION}")
        _run((*pip, *_QUIETLY, *wanted), folder, f"Label Studio {STUDIO_VERSION}")
        installed.touch()
    return program


def find_sdk(folder: Path, say: Say) -> Path | None:
    """The folder that ``label_studio_sdk`` is in, where it is not installed beside us.

    It asks for another OpenCV than the engines do, which it needs for none of what we call;
    so it is installed alone, and what it really imports is among our own requirements.
    """
    if find_spec("label_studio_sdk") is not None:
        return None
    target = folder / f"sdk-{SDK_VERSION}"
    if not (target / "label_studio_sdk").exists():
        say(f"installing label-studio-sdk {SDK_VERSION} into {target}")
        pip = (sys.executable, "-m", "pip", "install", *_QUIETLY, "--no-deps")
        wanted = ("--target", str(target), f"label-studio-sdk=={SDK_VERSION}")
        _run((*pip, *wanted), folder, f"label-studio-sdk {SDK_VERSION}")
    return target


def find_account(folder: Path) -> StudioAccount:
    """The account of the Label Studio in ``folder``, made the first time."""
    file = folder / "account.json"
    if file.exists():
        return StudioAccount(**json.loads(file.read_text(encoding="utf-8")))
    account = StudioAccount(USER, secrets.token_urlsafe(12), secrets.token_hex(20))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(account), stream, indent=2)
    return account


def studio_spec(program: Path, folder: Path, account: StudioAccount, port: int) -> ChildSpec:
    """Label Studio on SQLite in ``folder``, for this machine alone."""
    arguments = ("start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port))
    return ChildSpec(
        STUDIO,
        (str(program), *arguments),
        studio_environment(folder, account),
        log=folder / "label-studio.log",
    )


def studio_environment(folder: Path, account: StudioAccount) -> dict[str, str]:
    """Secrets go by the environment: a command line can be read by everybody."""
    return {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "LABEL_STUDIO_USERNAME": account.username,
        "LABEL_STUDIO_PASSWORD": account.password,
        "LABEL_STUDIO_USER_TOKEN": account.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "DJANGO_DB": "sqlite",
        # It would send no webhook to this machine otherwise.
        "SSRF_PROTECTION_ENABLED": "false",
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        # Its packages are its own, not ours.
        "PYTHONPATH": "",
    }


_QUIETLY: Final = ("--quiet", "--disable-pip-version-check", "--no-input")


def _run(command: tuple[str, ...], folder: Path, subject: str) -> None:
    """Do a step of an installation; what it says goes to ``install.log``."""
    log = folder / "install.log"
    with log.open("ab") as stream:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        ).returncode
    if code:
        raise Refused(
            f"{subject} could not be installed: {_last_error(log)} (more in {log}). Connect this"
            f" machine to a package index, name a label-studio by {PROGRAM_VARIABLE}, {ELSEWHERE}"
        )


def _last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["nothing was said"]
    return errors[-1].removeprefix("ERROR: ")
