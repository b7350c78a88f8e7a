"""Where things are and how much is allowed, read once from the environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEFAULT_DATA: Final = Path("formloop-data")
DEFAULT_PUBLIC_URL: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What one request, one document and one step may cost."""

    upload_bytes: int = 4 * 1024**3
    file_bytes: int = 1024**3
    files_per_upload: int = 20_000
    zip_ratio: int = 200
    lease_seconds: float = 120.0
    most_attempts: int = 3
    requeue_seconds: float = 300.0
    """After this a waiting step that no worker took is put into the queue again."""
    picture_seconds: float = 900.0
    web_session_hours: float = 12.0


@dataclass(frozen=True, slots=True)
class Settings:
    """``redis_url`` None means: start the embedded one in the data folder.

    ``public_url`` is where browsers find us, ``hook_url`` where Label Studio does;
    ``label_studio_url`` is where we find it, ``label_studio_public_url`` where browsers do.
    """

    data: Path
    database_url: str = field(repr=False)
    storage_url: str
    secret_key: bytes = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    public_url: str = DEFAULT_PUBLIC_URL
    hook_url: str | None = None
    label_studio_url: str | None = None
    label_studio_public_url: str | None = None
    label_studio_token: str | None = field(default=None, repr=False)
    limits: ServiceLimits = ServiceLimits()

    @classmethod
    def from_environment(
        cls, data: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> Settings:
        """Makes the data folder and, the first time, its secret key."""
        env = os.environ if environment is None else environment
        folder = (data or Path(env.get("FORMLOOP_DATA") or DEFAULT_DATA)).resolve()
        folder.mkdir(0o700, parents=True, exist_ok=True)
        return cls(
            data=folder,
            database_url=env.get("FORMLOOP_DATABASE_URL") or f"sqlite:///{folder / 'formloop.db'}",
            storage_url=env.get("FORMLOOP_STORAGE_URL") or str(folder / "blobs"),
            secret_key=_find_secret(env.get("FORMLOOP_SECRET_KEY"), folder / "secret.key"),
            redis_url=env.get("FORMLOOP_REDIS_URL") or None,
            public_url=(env.get("FORMLOOP_PUBLIC_URL") or DEFAULT_PUBLIC_URL).rstrip("/"),
            hook_url=(env.get("FORMLOOP_HOOK_URL") or "").rstrip("/") or None,
            label_studio_url=env.get("FORMLOOP_LABEL_STUDIO_URL") or None,
            label_studio_public_url=env.get("FORMLOOP_LABEL_STUDIO_PUBLIC_URL")
            or env.get("FORMLOOP_LABEL_STUDIO_URL")
            or None,
            label_studio_token=env.get("FORMLOOP_LABEL_STUDIO_TOKEN") or None,
        )


def _find_secret(given: str | None, file: Path) -> bytes:
    """The given key, else the one in ``file``, which only its owner can read."""
    if given:
        return given.encode()
    if not file.exists():
        _write_secret(file)
    return file.read_bytes().strip()


def _write_secret(file: Path) -> None:
    """Two processes that start at the same time end with the same key."""
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_hex(32).encode())
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink()
