"""Where the promise stands: what is proved, what is used meanwhile, and when it is withdrawn.

While too little was audited, the threshold comes from simulated scans and is chosen with
caution. Once the audit proves one, that one is used and the promise is kept. Both follow what
comes: documents count as their quality came lately. When the watch sees that the promise does
not hold, it is withdrawn: next to nothing is accepted unseen until documents audited after that
prove it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from annotation.drift import find_alarm
from annotation.promise import (
    DEFAULT_CERTAINTY,
    DEFAULT_TARGET,
    DOUBTS,
    CurvePoint,
    Proof,
    SeenDocument,
    count_seen,
    documents_still_needed,
    draw_curve,
    find_proof,
    level_below,
    level_to_threshold,
)
from annotation.quality import POOREST, QUALITIES, Mixture, find_weights
from annotation.recent import RecentWork
from extraction.errors import InputError
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_number

LEAST_TARGET: Final = 0.0005
MOST_TARGET: Final = 0.1
CAUTION: Final = 0.5
"""Simulated scans resemble real ones only so far: they must do so many times better."""
WITHDRAWN_SHARE: Final = 0.1
"""The doubt accepted after a withdrawal, as a share of the target."""


class PromiseState(StrEnum):
    SIMULATED = "simulated"
    """Too little was audited; the threshold comes from simulated scans."""
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PromiseGoal:
    """At most ``target`` of what is accepted unseen is wrong, at ``certainty``."""

    target: float = DEFAULT_TARGET
    certainty: float = DEFAULT_CERTAINTY

    def __post_init__(self) -> None:
        if not LEAST_TARGET <= self.target <= MOST_TARGET:
            allowed = f"{LEAST_TARGET} to {MOST_TARGET}"
            raise InputError(f"target: is {self.target}; give a share from {allowed}")
        if not 0.5 <= self.certainty <= 0.999:
            raise InputError(f"certainty: is {self.certainty}; give a share from 0.5 to 0.999")


@dataclass(frozen=True, slots=True)
class QualityStanding:
    """What passes of scans of a quality: those from the confidence ``threshold`` on (nothing
    at 1). ``share`` is of what came lately, None while too few documents did."""

    quality: int
    share: float | None
    threshold: float


@dataclass(frozen=True, slots=True)
class PromiseStanding:
    """``level`` is the doubt in use (its number in ``DOUBTS``); -1: nothing is accepted unseen.

    ``poorest`` is the poorest quality of scans that anything is accepted in, ``mixture`` the
    share of each quality lately (empty while too few documents came). ``since`` is from when
    on audited documents count: the last withdrawal, or the last change of what gives the
    confidences. ``needed`` is about how many audited documents are still needed to prove the
    target, 0 once it is. ``group`` and ``error`` say what the last withdrawal saw. ``curve``
    is of simulated scans while ``is_simulated``.
    """

    goal: PromiseGoal
    state: PromiseState = PromiseState.SIMULATED
    level: int = -1
    since: datetime | None = None
    audited: int = 0
    wrong: int = 0
    documents: int = 0
    needed: int = 0
    automation: float = 0.0
    group: str = ""
    error: float | None = None
    is_simulated: bool = True
    curve: tuple[CurvePoint, ...] = field(default=())
    poorest: int = POOREST
    mixture: Mixture = ()

    @property
    def kept(self) -> bool:
        return self.state is PromiseState.KEPT

    @property
    def threshold(self) -> float:
        """The lowest confidence that is accepted unseen in scans up to ``poorest``."""
        return level_to_threshold(self.level)

    def threshold_for(self, quality: int) -> float:
        """As ``threshold`` for scans of that quality; 1 (nothing passes) for poorer ones."""
        return self.threshold if quality <= self.poorest else level_to_threshold(-1)

    @property
    def qualities(self) -> tuple[QualityStanding, ...]:
        """Good scans to poor ones."""
        return tuple(
            QualityStanding(
                quality=quality,
                share=self.mixture[quality] if self.mixture else None,
                threshold=self.threshold_for(quality),
            )
            for quality in range(QUALITIES)
        )


@dataclass(frozen=True, slots=True)
class PromiseEvidence:
    """All that the standing follows from. ``audited`` are in the order in which they were
    looked at; ``recent`` is what was read lately."""

    audited: tuple[SeenDocument, ...]
    audited_at: tuple[datetime, ...]
    simulated: tuple[SeenDocument, ...]
    recent: RecentWork


def judge_promise(before: PromiseStanding, evidence: PromiseEvidence) -> PromiseStanding:
    """The standing after ``evidence``; the same evidence again changes nothing."""
    goal, since = before.goal, before.since
    pairs = tuple(zip(evidence.audited, evidence.audited_at, strict=True))
    recent = [pair for pair in pairs if since is None or pair[1] > since]
    watched = [document for document, _ in recent if document.quality <= before.poorest]
    alarm = find_alarm(watched, before.level, goal.target)
    if alarm is not None:
        since = next(at for document, at in recent if document.document_id == alarm.document_id)
        recent = [pair for pair in recent if pair[1] > since]
        before = PromiseStanding(
            goal, PromiseState.WITHDRAWN, since=since, group=alarm.group, error=alarm.error
        )
    audit = count_seen([document for document, _ in recent])
    mixture = evidence.recent.mixture
    proof = find_proof(audit, goal.target, goal.certainty, mixture)
    state, level = _choose(before, proof, evidence)
    poorest = POOREST if proof is None else proof.poorest
    certainty = goal.certainty if proof is None else proof.certainty
    shown = count_seen(evidence.simulated) if proof is None else audit.up_to(poorest)
    counted = audit.up_to(poorest)
    automation = evidence.recent.automation(poorest)
    return PromiseStanding(
        goal=goal,
        state=state,
        level=level,
        since=since,
        audited=int(counted.seen[:, level].sum()) if level >= 0 else 0,
        wrong=int(counted.wrong[:, level].sum()) if level >= 0 else 0,
        documents=len(recent),
        needed=0 if proof else documents_still_needed(audit, goal.target, goal.certainty),
        automation=automation[level] if level >= 0 else 0.0,
        group=before.group if state is PromiseState.WITHDRAWN else "",
        error=before.error if state is PromiseState.WITHDRAWN else None,
        is_simulated=proof is None,
        curve=draw_curve(shown, automation, certainty, _up_to(mixture, poorest)),
        poorest=poorest,
        mixture=mixture or (),
    )


def _up_to(mixture: Mixture | None, poorest: int) -> Mixture | None:
    return None if mixture is None else mixture[: poorest + 1]


def _choose(
    before: PromiseStanding, proof: Proof | None, evidence: PromiseEvidence
) -> tuple[PromiseState, int]:
    if proof is not None:
        return PromiseState.KEPT, proof.level
    cautious = cautious_level(evidence.simulated, before.goal.target, evidence.recent.mixture)
    if before.state is PromiseState.SIMULATED:
        return PromiseState.SIMULATED, cautious
    # What was kept and is not proved any more is withdrawn, too.
    return PromiseState.WITHDRAWN, min(cautious, withdrawn_level(before.goal.target))


def cautious_level(
    simulated: Sequence[SeenDocument], target: float, mixture: Mixture | None = None
) -> int:
    """The loosest doubt at which simulated scans, of the qualities that come, err ``CAUTION``
    times the target at most."""
    audit = count_seen(simulated)
    weights = find_weights(audit.qualities, mixture)
    if weights is None:
        return -1
    kept = weights @ audit.wrong <= CAUTION * target * (weights @ audit.seen)
    return max((level for level in range(len(DOUBTS)) if kept[level]), default=-1)


def withdrawn_level(target: float) -> int:
    """The loosest doubt that is accepted after a withdrawal; -1: nothing is."""
    return level_below(WITHDRAWN_SHARE * target)


def standing_to_json(standing: PromiseStanding) -> JsonObject:
    return {
        "target": standing.goal.target,
        "certainty": standing.goal.certainty,
        "state": str(standing.state),
        "level": standing.level,
        "since": None if standing.since is None else standing.since.isoformat(),
        "audited": standing.audited,
        "wrong": standing.wrong,
        "documents": standing.documents,
        "needed": standing.needed,
        "automation": standing.automation,
        "group": standing.group,
        "error": standing.error,
        "is_simulated": standing.is_simulated,
        "curve": [
            [point.doubt, point.error, point.bound, point.automation, point.audited]
            for point in standing.curve
        ],
        "poorest": standing.poorest,
        "mixture": [*standing.mixture],
    }


def standing_from_json(stored: Mapping[str, Json]) -> PromiseStanding:
    """ValueError or KeyError for what ``standing_to_json`` did not write."""
    since, error = stored["since"], stored["error"]
    return PromiseStanding(
        goal=PromiseGoal(as_number(stored["target"]), as_number(stored["certainty"])),
        state=PromiseState(str(stored["state"])),
        level=as_integer(stored["level"]),
        since=None if since is None else datetime.fromisoformat(str(since)),
        audited=as_integer(stored["audited"]),
        wrong=as_integer(stored["wrong"]),
        documents=as_integer(stored["documents"]),
        needed=as_integer(stored["needed"]),
        automation=as_number(stored["automation"]),
        group=str(stored["group"]),
        error=None if error is None else as_number(error),
        is_simulated=bool(stored["is_simulated"]),
        curve=tuple(_point(as_list(point)) for point in as_list(stored["curve"])),
        poorest=as_integer(stored.get("poorest", POOREST)),
        mixture=tuple(as_number(share) for share in as_list(stored.get("mixture", []))),
    )


def _point(stored: list[Json]) -> CurvePoint:
    doubt, error, bound, automation, audited = stored
    return CurvePoint(
        as_number(doubt),
        None if error is None else as_number(error),
        as_number(bound),
        as_number(automation),
        as_integer(audited),
    )
