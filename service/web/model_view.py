"""What the pages of the models show: the gate's words, a run's progress, figures by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from archive.reasons import Reason, find_reason
from archive.tables import TrainingRun
from archive.training_runs import OPEN
from extraction.declarations import FormDeclaration
from models.audited_fields import stretch_confidence
from models.recalibrate import LEAST_DOCUMENTS, LEAST_FIELDS, HeldOut

MOST_REASONS: Final = 6
MOST_CHANGES: Final = 25
_FIELD, _LAYOUT = "field ", "layout "
_SHOWN_CONFIDENCES: Final = (0.9, 0.99)


@dataclass(frozen=True, slots=True)
class ReasonView:
    """``code`` has words in the languages; shares are of wrong words, 0..1."""

    code: str
    name: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class FigureView:
    """Shares of right words before and after; ``before`` is None where there was none."""

    name: str
    before: float | None
    after: float


@dataclass(frozen=True, slots=True)
class RefitView:
    """What became of the shipped confidences. ``outcome`` has words in the languages.
    ``examples`` are confidences before and after the fit; without a fit there are none, and
    ``held_out`` is None."""

    outcome: str
    fields: int
    documents: int
    left_out: int
    slope: float
    offset: float
    held_out: HeldOut | None
    examples: tuple[tuple[float, float], ...]
    least_fields: int = LEAST_FIELDS
    least_documents: int = LEAST_DOCUMENTS


@dataclass(frozen=True, slots=True)
class GateView:
    """``refit`` is None for versions that were made before trainings set confidences right."""

    passed: bool
    champion: str
    reasons: tuple[ReasonView, ...]
    notes: tuple[ReasonView, ...]
    whole_before: float
    whole_after: float
    fields: tuple[FigureView, ...]
    layouts: tuple[FigureView, ...]
    suspects: tuple[Mapping[str, Any], ...]
    refit: RefitView | None


@dataclass(frozen=True, slots=True)
class RunView:
    """``share`` of the steps, 0..1; ``changes`` are what a shadow run found."""

    run_id: str
    kind: str
    state: str
    cause: str
    is_open: bool
    created_at: datetime
    finished_at: datetime | None
    stage: str
    step: int
    steps: int
    share: float
    loss: float | None
    version: str | None
    reason: Reason | None
    passed: bool | None
    promoted: bool
    reasons: tuple[ReasonView, ...]
    documents: int
    changed: int
    changes: tuple[Mapping[str, Any], ...]


def find_titles(declarations: Sequence[FormDeclaration]) -> Mapping[str, str]:
    """Chinese titles of fields, of ``group.column`` and of form types, by their names."""
    titles: dict[str, str] = {}
    for declaration in declarations:
        titles.setdefault(declaration.name, declaration.title)
        for field in declaration.fields:
            titles.setdefault(field.name, field.title)
        for group in declaration.groups:
            for column in group.columns:
                titles.setdefault(f"{group.name}.{column.name}", f"{group.title}·{column.title}")
    return titles


def gate_to_view(gate: Mapping[str, Any], titles: Mapping[str, str]) -> GateView:
    before, after = gate["champion_figures"], gate["challenger_figures"]
    return GateView(
        passed=gate["passed"],
        champion=gate["champion"],
        reasons=reasons_to_views(gate["reasons"], titles),
        notes=reasons_to_views(gate["notes"], titles),
        whole_before=1 - gate["whole"]["champion"],
        whole_after=1 - gate["whole"]["challenger"],
        fields=tuple(_figures(before, after, _FIELD, titles)),
        layouts=tuple(_figures(before, after, _LAYOUT, titles)),
        suspects=tuple(gate["suspects"]),
        refit=None if (told := gate.get("confidences")) is None else _refit_to_view(told),
    )


def _refit_to_view(told: Mapping[str, Any]) -> RefitView:
    slope, offset = told["slope"], told["offset"]
    held_out = None
    if "error_before" in told:
        held_out = HeldOut(
            told["error_before"], told["error_after"], told["brier_before"], told["brier_after"]
        )
    return RefitView(
        outcome=told["outcome"],
        fields=told["fields"],
        documents=told["documents"],
        left_out=told["left_out"],
        slope=slope,
        offset=offset,
        held_out=held_out,
        examples=tuple(
            (said, stretch_confidence(said, slope, offset))
            for said in _SHOWN_CONFIDENCES
            if held_out is not None
        ),
    )


def run_to_view(run: TrainingRun, titles: Mapping[str, str]) -> RunView:
    progress: Mapping[str, Any] = run.progress
    result: Mapping[str, Any] = run.result
    step, steps = int(progress.get("step") or 0), int(progress.get("steps") or 0)
    return RunView(
        run_id=run.id,
        kind=str(run.kind),
        state=str(run.state),
        cause=run.cause,
        is_open=run.state in OPEN,
        created_at=run.created_at,
        finished_at=run.finished_at,
        stage=str(progress.get("stage") or ""),
        step=step,
        steps=steps,
        share=step / steps if steps else 0.0,
        loss=progress.get("loss"),
        version=run.version,
        reason=find_reason(run),
        passed=result.get("passed"),
        promoted=bool(result.get("promoted")),
        reasons=reasons_to_views(result.get("reasons", ()), titles),
        documents=int(result["documents"]) if isinstance(result.get("documents"), int) else 0,
        changed=int(result.get("changed", 0)),
        changes=tuple(result.get("examples", ()))[:MOST_CHANGES],
    )


def reasons_to_views(
    stored: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> tuple[ReasonView, ...]:
    return tuple(
        ReasonView(
            one["code"], name_in_words(one["name"], titles), one["champion"], one["challenger"]
        )
        for one in stored[:MOST_REASONS]
    )


def name_in_words(name: str, titles: Mapping[str, str]) -> str:
    """A field by its title, a layout as ``form type/layout`` with the form type's title."""
    kind, slash, layout = name.partition("/")
    return f"{titles.get(kind, kind)}{slash}{layout}"


def _figures(
    before: Mapping[str, float],
    after: Mapping[str, float],
    prefix: str,
    titles: Mapping[str, str],
) -> list[FigureView]:
    return [
        FigureView(name_in_words(key.removeprefix(prefix), titles), before.get(key), after[key])
        for key in sorted(after)
        if key.startswith(prefix)
    ]
