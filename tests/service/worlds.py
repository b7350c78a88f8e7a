"""A service with users of every role and documents, for tests to ask over HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy.orm import Session

from archive import people
from archive.blobs import picture_key
from archive.clock import utc_now
from archive.health import finish_canary, send_canary
from archive.people import Right, add_api_token, add_user, start_web_session
from archive.settings import ServiceLimits, Settings
from archive.steps import (
    Lease,
    StepKey,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
)
from archive.tables import Role, StepKind
from extraction.record_json import record_to_json
from extraction.values import (
    Box,
    Check,
    Field,
    PageSummary,
    Record,
    Source,
    Table,
    TableCell,
)
from service.api.app import create_app
from service.api.auth import CSRF_HEADER, SESSION_COOKIE
from service.api.context import Service

PASSWORD = "a long enough password"
_QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SCRIPT = "<script>alert('x')</script>"


@dataclass(frozen=True, eq=False)
class World:
    """``tokens`` and ``sessions`` are by role; a session is its cookie and its CSRF token."""

    app: FastAPI
    client: TestClient
    service: Service
    tokens: dict[Role, str]
    sessions: dict[Role, tuple[str, str]]
    user_ids: dict[Role, str]

    def bearer(self, role: Role = Role.ADMINISTRATOR) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def browser(self, role: Role = Role.ADMINISTRATOR, *, csrf: bool = True) -> dict[str, str]:
        secret, token = self.sessions[role]
        cookie = {"Cookie": f"{SESSION_COOKIE}={secret}"}
        return cookie | ({CSRF_HEADER: token} if csrf else {})

    def upload(
        self, *files: tuple[str, bytes], name: str = "box", role: Role = Role.ADMINISTRATOR
    ) -> tuple[str, list[str]]:
        """The ids of a new archive and of its documents."""
        answer = self.client.post(
            "/api/archives",
            files=[("files", file) for file in files],
            data={"name": name},
            headers=self.bearer(role),
        )
        assert answer.status_code == 201, answer.text
        told = answer.json()
        return told["id"], [document["id"] for document in told["documents"]]

    def send_canary(self) -> None:
        """A task goes through queue and worker."""
        with self.service.database.write() as session:
            finish_canary(session, send_canary(session, utc_now()), "worker", utc_now())

    def finish(self, document_id: str, record: Record) -> None:
        """Let the document go all its way, as workers would, with a picture of each page."""
        pages = len(record.pages)
        with self.service.database.write() as session:
            lease = _lease(session, document_id, StepKind.SPLIT, 0)
            finish_split(session, lease, pages)
            for page in range(1, pages + 1):
                lease = _lease(session, document_id, StepKind.PAGE, page)
                key = picture_key(document_id, lease.key.generation, page)
                self.service.blobs.write(key, png())
                finish_page(session, lease, key, "test")
            lease = _lease(session, document_id, StepKind.ASSEMBLE, 0)
            doubtful = any(field.route == "review" for field in record.fields.values())
            finish_assemble(session, lease, record_to_json(record), "test", doubtful)


def _lease(session: Session, document_id: str, kind: StepKind, page: int) -> Lease:
    session.flush()
    now = utc_now() + timedelta(seconds=1)
    lease = lease_step(session, StepKey(document_id, 1, kind, page), "test", now)
    assert lease is not None
    return lease


@contextmanager
def running_world(
    data: Path,
    limits: ServiceLimits | None = None,
    public_url: str = "http://testserver",
    database_url: str = "",
) -> Iterator[World]:
    environment = {"FORMLOOP_PUBLIC_URL": public_url, "FORMLOOP_DATABASE_URL": database_url}
    settings = Settings.from_environment(data, environment)
    app = create_app(replace(settings, limits=limits) if limits else settings)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        service: Service = app.state.service
        tokens, sessions, user_ids = {}, {}, {}
        with service.database.write() as session, patch.object(people, "_hasher", _QUICK_HASHER):
            for role in Role:
                user = add_user(session, role, PASSWORD, role)
                user_ids[role] = user.id
                tokens[role] = add_api_token(session, user.id, "test", frozenset(Right)).secret
                started = start_web_session(session, user.id, utc_now(), timedelta(hours=1))
                sessions[role] = (started.secret, started.csrf)
        yield World(app, client, service, tokens, sessions, user_ids)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "png")
    return out.getvalue()


def pdf(mark: str = "") -> bytes:
    """Bytes that pass for a PDF at the door, different for each mark."""
    return b"%PDF-1.7\n" + mark.encode() + b"\n" + b"x" * 2000


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def sample_record(name: str = "a.pdf", text: str = "绩效目标", pages: int = 1) -> Record:
    """A record of the shipped form type with a field, a row of a group and a table."""
    source = Source(1, Box(10.0, 20.0, 110.0, 40.0), 0, 0, 0)
    field = Field(text, text, 0.93, "accept", (), source)
    doubtful = Field("=1+1", 2, 0.41, "review", ("low_confidence",), source)
    cell = TableCell(0, 0, 1, 1, text, 1, source.box, 0.93)
    return Record(
        name=name,
        sha256="0" * 64,
        form_type="project_performance_target",
        producer={"ocr": "test", "labeller": "test", "formloop": "test"},
        fields={"project_name": field, "total_budget": doubtful},
        groups={"indicators": ({"indicator": field},)},
        tables=(Table((1,), 1, 1, None, (cell,)),),
        checks=(Check("sum", False, "does not add up", ("total_budget",)),),
        pages=tuple(
            PageSummary(number, 8, 8, 72.0, "ocr", {"ocr": 1.0}) for number in range(1, pages + 1)
        ),
    )
