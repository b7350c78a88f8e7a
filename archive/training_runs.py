"""Training runs as rows: asked for, held by one process, told of, ended.

A run whose process died is taken over when its lease has run out, and goes on where its last
checkpoint stands. A holder that comes back after that gets LeaseLost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from archive.errors import IllegalMove, LeaseLost, NotFound
from archive.kept_settings import read_setting, write_setting
from archive.reasons import Reason, training_died, write_reason
from archive.tables import CorrectionRow, TrainingKind, TrainingRun, TrainingState
from extraction.json_values import JsonObject

MOST_ATTEMPTS: Final = 4
LEASE: Final = timedelta(seconds=60)
OPEN: Final = (TrainingState.QUEUED, TrainingState.RUNNING)
_POLICY: Final = "training_policy"
_LAYOUTS: Final = "training_layouts"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``base`` names a version or a checkpoint in the data folder's ``bases``, None the shipped
    version. ``steps`` and ``minutes`` None: as usual. ``promote``: at once when the gate lets
    it pass. ``documents`` are those that a shadow run looks at."""

    base: str | None = None
    steps: int | None = None
    minutes: float | None = None
    seed: int | None = None
    promote: bool = True
    documents: int = 200


@dataclass(frozen=True, slots=True)
class TrainingPolicy:
    """When a run starts by itself: ``documents`` were corrected since the last one, and it is
    ``hour`` o'clock (0–23, the server's time; None: at any hour)."""

    active: bool = False
    documents: int = 30
    hour: int | None = 2
    promote: bool = True


def queue_run(
    session: Session,
    kind: TrainingKind,
    settings: RunSettings,
    *,
    cause: str = "person",
    user_id: str | None = None,
    version: str | None = None,
) -> TrainingRun:
    """A new run. IllegalMove while another training is waiting or running."""
    if kind == TrainingKind.TRAIN and find_open_run(session) is not None:
        raise IllegalMove("a training is waiting or running already; wait for it or cancel it")
    row = TrainingRun(
        kind=kind, cause=cause, user_id=user_id, settings=asdict(settings), version=version
    )
    session.add(row)
    session.flush()
    return row


def lease_run(session: Session, owner: str, now: datetime) -> TrainingRun | None:
    """The oldest run that waits or whose process died, now held by ``owner``; None where there
    is none. One that died too often has failed."""
    free = or_(
        TrainingRun.state == TrainingState.QUEUED,
        (TrainingRun.state == TrainingState.RUNNING) & (TrainingRun.leased_until <= now),
    )
    query = select(TrainingRun).where(free).order_by(TrainingRun.id).with_for_update()
    for row in session.scalars(query):
        if row.attempts >= MOST_ATTEMPTS:
            _end(row, TrainingState.FAILED, now, training_died(row.attempts))
            continue
        row.state, row.owner = TrainingState.RUNNING, owner[:200]
        row.attempts += 1
        row.started_at = row.started_at or now
        row.leased_until = now + LEASE
        return row
    return None


def renew_run(
    session: Session, run_id: str, owner: str, now: datetime, progress: JsonObject
) -> None:
    """Holds it for longer and tells how far it is. LeaseLost when it was cancelled or is
    another's."""
    row = _held(session, run_id, owner)
    row.leased_until, row.progress = now + LEASE, progress


def note_data(session: Session, run_id: str, owner: str, digest: str) -> None:
    """The version of the data that the run learns from, whoever goes on with it."""
    _held(session, run_id, owner).data_digest = digest


def finish_run(
    session: Session,
    run_id: str,
    owner: str,
    now: datetime,
    result: JsonObject,
    version: str | None = None,
) -> None:
    row = _held(session, run_id, owner)
    row.result, row.version = result, version or row.version
    _end(row, TrainingState.DONE, now, None)


def fail_run(session: Session, run_id: str, owner: str, now: datetime, reason: Reason) -> None:
    _end(_held(session, run_id, owner), TrainingState.FAILED, now, reason)


def release_run(session: Session, run_id: str, owner: str) -> None:
    """Gives it back without counting the attempt: the process is told to stop."""
    row = _held(session, run_id, owner)
    row.state, row.owner, row.leased_until = TrainingState.QUEUED, None, None
    row.attempts -= 1


def cancel_run(session: Session, run_id: str, now: datetime) -> TrainingRun:
    """Its process notices and stops. IllegalMove for one that has ended."""
    row = find_run(session, run_id)
    if row.state not in OPEN:
        raise IllegalMove(f"a run that is {row.state} cannot be cancelled")
    _end(row, TrainingState.CANCELLED, now, None)
    return row


def find_run(session: Session, run_id: str) -> TrainingRun:
    """NotFound if there is none."""
    row = session.get(TrainingRun, run_id, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no training run {run_id}")
    return row


def find_runs(session: Session, limit: int = 20) -> tuple[TrainingRun, ...]:
    """The newest first."""
    return tuple(session.scalars(select(TrainingRun).order_by(TrainingRun.id.desc()).limit(limit)))


def find_open_run(session: Session) -> TrainingRun | None:
    """The training that waits or runs."""
    query = select(TrainingRun).where(
        TrainingRun.kind == TrainingKind.TRAIN, TrainingRun.state.in_(OPEN)
    )
    return session.scalar(query.limit(1))


def find_last_training(session: Session) -> TrainingRun | None:
    query = select(TrainingRun).where(TrainingRun.kind == TrainingKind.TRAIN)
    return session.scalar(query.order_by(TrainingRun.id.desc()).limit(1))


def count_corrected(session: Session, since: datetime | None = None) -> int:
    """Documents that people corrected or confirmed anything of, since then."""
    query = select(func.count(func.distinct(CorrectionRow.document_id))).where(
        CorrectionRow.replaced_at.is_(None)
    )
    if since is not None:
        query = query.where(CorrectionRow.created_at > since)
    return session.scalar(query) or 0


def run_to_settings(row: TrainingRun) -> RunSettings:
    known = {field.name for field in fields(RunSettings)}
    return RunSettings(**{k: v for k, v in row.settings.items() if k in known})  # type: ignore[arg-type]


def find_training_policy(session: Session) -> TrainingPolicy:
    stored = read_setting(session, _POLICY) or {}
    known = {field.name for field in fields(TrainingPolicy)}
    return TrainingPolicy(**{k: v for k, v in stored.items() if k in known})  # type: ignore[arg-type]


def write_training_policy(session: Session, policy: TrainingPolicy) -> None:
    write_setting(session, _POLICY, asdict(policy))


def find_held_layouts(session: Session) -> dict[str, bool]:
    """Every layout that was ever learnt from, and whether it is held out."""
    stored = read_setting(session, _LAYOUTS) or {}
    return {layout: held is True for layout, held in stored.items()}


def write_held_layouts(session: Session, layouts: Mapping[str, bool]) -> None:
    write_setting(session, _LAYOUTS, {**layouts})


def queue_by_policy(session: Session, now: datetime, hour: int) -> TrainingRun | None:
    """The run that the policy asks for at this moment, where ``hour`` is the server's."""
    policy = find_training_policy(session)
    if not policy.active or find_open_run(session) is not None:
        return None
    if policy.hour is not None and policy.hour != hour:
        return None
    last = find_last_training(session)
    if count_corrected(session, last.created_at if last else None) < max(1, policy.documents):
        return None
    settings = RunSettings(promote=policy.promote)
    return queue_run(session, TrainingKind.TRAIN, settings, cause="policy")


def _held(session: Session, run_id: str, owner: str) -> TrainingRun:
    row = session.get(TrainingRun, run_id, populate_existing=True, with_for_update=True)
    if row is None or row.state != TrainingState.RUNNING or row.owner != owner[:200]:
        state = "gone" if row is None else f"{row.state}, held by {row.owner or 'nobody'}"
        raise LeaseLost(f"the training run is {state}", name=run_id)
    return row


def _end(row: TrainingRun, state: TrainingState, now: datetime, reason: Reason | None) -> None:
    row.state, row.finished_at = state, now
    write_reason(row, reason)
    row.owner = row.leased_until = None
