"""One project in Label Studio for each form type, made and kept as its declaration says."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.errors import ConfigRefused
from annotation.labels import config_digest, labelling_config
from annotation.migration import find_migration
from annotation.studio_json import BY_NUMBER, StudioProject
from archive.annotations import find_label_counts
from archive.clock import utc_now
from archive.reviews import find_asked, return_tasks
from archive.signing import derive_secret
from archive.tables import ReviewProject
from extraction.declarations import FormDeclaration
from workers.review_place import ReviewPlace

HOOK_HEADER = "Formloop-Hook"
HOOK_PATH = "/hooks/label-studio"
_HOOK_PURPOSE = "label studio webhook"
_INSTALLATION = "label studio project"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Setup:
    """A project as it is after it was looked after; ``problem`` says what could not be done."""

    project_id: int
    config: str
    problem: str | None = None


def hook_secret(secret_key: bytes) -> str:
    """What a webhook of our projects carries in ``HOOK_HEADER``."""
    return derive_secret(secret_key, _HOOK_PURPOSE)


def keep_projects(place: ReviewPlace) -> None:
    """Every form type has its project, as declared; what people did in it stays."""
    for declaration in place.declarations.values():
        keep_project(place, declaration)


def keep_project(place: ReviewPlace, declaration: FormDeclaration) -> None:
    """A project that was deleted by hand is made again, with the tasks that were in it."""
    with place.database.read() as session:
        row = session.get(ReviewProject, declaration.name)
    known = None if row is None else row.project_id
    existing = None if known is None else place.studio.find_project(known)
    if row is None or existing is None or not _is_ours(place, row, existing):
        made, is_new = _make(place, declaration), True
        if known is not None:
            _log.warning("the project of %s was deleted and is made again", declaration.name)
    else:
        made, is_new = _migrate(place, declaration, existing), False
        if existing.sampling == BY_NUMBER:
            # As versions before this one made it; another order was somebody's own choice.
            place.studio.order_by_worth(existing.project_id)
    hook = (place.hook_url or place.public_url) + HOOK_PATH
    headers = {HOOK_HEADER: hook_secret(place.secret_key)}
    place.studio.ensure_webhook(made.project_id, hook, headers)
    with place.database.write() as session:
        if is_new and known is not None:
            _return_all(session, known)
        _write(session, declaration.name, made, hook, is_new)


def _is_ours(place: ReviewPlace, row: ReviewProject, existing: StudioProject) -> bool:
    """Not the project of someone else that bears the number, in another Label Studio."""
    if _installation(place) in existing.description:
        return True
    return config_digest(existing.config) == row.config_digest


def _installation(place: ReviewPlace) -> str:
    """What tells our projects from those of another formloop on the same Label Studio."""
    return derive_secret(place.secret_key, _INSTALLATION)[:8]


def _make(place: ReviewPlace, declaration: FormDeclaration) -> _Setup:
    config = labelling_config(declaration)
    description = f"formloop · {declaration.name} · {_installation(place)}"
    title = declaration.title[:50]
    return _Setup(place.studio.ensure_project(title, description, config, None), config)


def _migrate(place: ReviewPlace, declaration: FormDeclaration, existing: StudioProject) -> _Setup:
    """The project with the config of the declaration, if what people did in it allows."""
    wanted = labelling_config(declaration)
    if config_digest(existing.config) == config_digest(wanted):
        return _Setup(existing.project_id, existing.config)
    with place.database.read() as session:
        used = Counter(find_label_counts(session, existing.project_id))
    migration = find_migration(existing.config, declaration, used)
    if config_digest(existing.config) == config_digest(migration.config):
        return _Setup(existing.project_id, existing.config)
    try:
        place.studio.update_config(existing.project_id, migration.config)
    except ConfigRefused as error:
        problem = f"the project still has its earlier labels: {error.reason}"
        return _Setup(existing.project_id, existing.config, problem)
    for reason in migration.reasons:
        _log.info("project of %s: %s", declaration.name, reason)
    return _Setup(existing.project_id, migration.config)


def _return_all(session: Session, project_id: int) -> None:
    """What was to be seen in a project that is gone is put into the new one."""
    after, now = "", utc_now()
    while rows := find_asked(session, project_id, after):
        return_tasks(session, [row.id for row in rows], now)
        after = rows[-1].id


def _write(session: Session, form_type: str, made: _Setup, hook: str, is_new: bool) -> None:
    now = utc_now()
    row = session.get(ReviewProject, form_type)
    if row is None:
        row = ReviewProject(form_type=form_type, created_at=now)
        session.add(row)
    if is_new:
        row.project_id, row.swept_until = made.project_id, None
    row.config, row.config_digest = made.config, config_digest(made.config)
    row.webhook, row.problem, row.updated_at = hook, made.problem, now


def find_projects(session: Session) -> tuple[ReviewProject, ...]:
    """Those that are in Label Studio, as far as we know."""
    query = select(ReviewProject).where(ReviewProject.project_id.is_not(None))
    return tuple(session.scalars(query.order_by(ReviewProject.form_type)))
