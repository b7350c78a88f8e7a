"""Is the promised error rate kept? By simulation, with the fields of scans that were read.

    python -m benchmarks.promise [--forms 132] [--repetitions 200] [--out docs/benchmarks.md]

The documents are the whole of an office's work: those that are audited and those that come
later are drawn from them with replacement, so that the true error of every threshold is known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from annotation.policy import USUAL_POLICY
from annotation.promise import DOUBTS, level_to_threshold
from annotation.reliability import measure_by_kind
from benchmarks.promise_documents import (
    FORMS,
    Population,
    find_observed,
    observed_to_population,
)
from benchmarks.promise_office import (
    CERTAINTY,
    LATER,
    TARGET,
    Office,
    Outcome,
    Prove,
    Weights,
    audit_once,
    favoured_one_by_one,
    live_once,
    prove_documents,
    prove_fields,
    repeated,
    simulate_once,
    spoilt,
)
from benchmarks.report import Figures, Section, figures_to_markdown, write_sections
from extraction.confidence import load_calibrator
from models.reliability import measure_reliability

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
REPETITIONS: Final = 200
READ: Final = (5000, 10_000, 20_000)
"""Documents read until the promise is judged; some of them are audited."""
FEW_DOCUMENTS: Final = (0.1, 0.2)
"""Another audit of as many fields: of fewer documents, more of each."""
FEW_READ: Final = (10_000, 20_000, 40_000)
POOR: Final = ("fax200", "archive150", "copy", "lowres", "mixed")
GOOD: Final = ("clean300", "office200", "stamped200", "screen", "marker")
OFFICE: Final = "office200"
EACH: Final = 10
"""Of each level by itself a tenth of the repetitions is run."""
SCORES: Final = (0.9, 0.95, 0.98, 0.99)
BROKEN: Final = 0.03
"""Share of accepted fields that a new scanner spoils without a sign of it."""
SPOILT_DOCUMENTS: Final = 0.003
"""Share of documents that are wrong throughout without a sign of it, in the worst case."""

Cells = tuple[str, ...]
Case = tuple[str, Office, Weights, Prove, tuple[float, float]]


def outcomes_to_row(name: str, read: str, audited: str, outcomes: Sequence[Outcome]) -> Cells:
    errors = np.array([one.error for one in outcomes])
    return (
        name,
        read,
        audited,
        f"{np.mean([one.proved for one in outcomes]):.0%}",
        f"{np.mean(errors > TARGET):.1%}",
        f"{errors.mean():.2%}",
        f"{np.mean([one.automation for one in outcomes]):.1%}",
    )


def audit_rows(office: Office, repetitions: int, pool: Executor) -> list[Cells]:
    even, only = office.mixture(), office.only(OFFICE)
    worst = Office(office.population, SPOILT_DOCUMENTS)
    usual = USUAL_POLICY.audit_documents, USUAL_POLICY.audit_fields
    by_document, by_field = prove_documents, prove_fields
    cases: tuple[Case, ...] = (
        ("all levels alike", office, even, by_document, usual),
        (f"{OFFICE} alone", office, only, by_document, usual),
        ("all alike, fewer documents audited", office, even, by_document, FEW_DOCUMENTS),
        ("all alike, 3 in 1000 documents spoilt", worst, even, by_document, usual),
        ("fields as if independent, all alike", office, even, by_field, usual),
        ("fields as if independent, 3 in 1000 spoilt", worst, even, by_field, usual),
    )
    before = repeated(partial(simulate_once, office, even), repetitions, pool)
    rows: list[Cells] = [outcomes_to_row("before any audit, all alike", "0", "0", before)]
    for name, place, weights, prove, (documents, fields) in cases:
        for read in FEW_READ if (documents, fields) == FEW_DOCUMENTS else READ:
            audited = round(read * documents)
            run = partial(audit_once, place, weights, audited, fields, prove)
            outcomes = repeated(run, repetitions, pool)
            rows.append(outcomes_to_row(name, str(read), str(audited), outcomes))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    return rows


def score_rows(office: Office) -> list[Cells]:
    """The usual way: whatever the recogniser's mean score lets through."""
    population = office.population
    rows: list[Cells] = []
    weight = np.repeat(office.mixture(), population.sizes)
    for score in SCORES:
        accepted = population.scores >= score
        error = (weight * population.wrong)[accepted].sum() / weight[accepted].sum()
        automation = weight[accepted].sum() / weight.sum()
        exceeds = "100%" if error > TARGET else "0%"
        name = f"mean OCR score ≥ {score}"
        rows.append((name, "–", "–", "–", exceeds, f"{error:.2%}", f"{automation:.1%}"))
    return rows


def live_rows(office: Office, repetitions: int, pool: Executor) -> list[Cells]:
    even = office.mixture()
    broken = Office(spoilt(office.population, BROKEN))
    cases: Mapping[str, tuple[Office, Weights]] = {
        "the same mixture": (office, even),
        "poor scans six times as often": (office, office.mixture(POOR)),
        "good scans six times as often": (office, office.mixture(GOOD)),
        f"{OFFICE} alone": (office, office.only(OFFICE)),
        f"a scanner that spoils {BROKEN:.0%} unseen": (broken, even),
    }
    each = {
        f"{scan} six times as often": (office, weights)
        for scan, weights in favoured_one_by_one(office).items()
    }
    audited = round(READ[-1] * USUAL_POLICY.audit_documents)
    rows: list[Cells] = []
    for name, later in {**cases, **each}.items():
        run = partial(live_once, office, even, later, audited)
        count = repetitions if name in cases else max(1, repetitions // EACH)
        rows.append(live_row(name, repeated(run, count, pool)))
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    return rows


def live_row(name: str, outcomes: Sequence[Outcome]) -> Cells:
    withdrawn = [one.withdrawn_after for one in outcomes if one.withdrawn_after is not None]
    errors = np.array([one.error for one in outcomes])
    return (
        name,
        f"{len(outcomes)}",
        f"{np.mean(errors > TARGET):.1%}",
        f"{errors.mean():.2%}",
        f"{np.mean([one.automation for one in outcomes]):.1%}",
        f"{np.mean([one.proved for one in outcomes]):.0%}",
        f"{len(withdrawn) / len(outcomes):.0%}",
        f"{np.median(withdrawn):.0f}" if withdrawn else "–",
    )


def curve_rows(office: Office) -> list[Cells]:
    even = office.mixture()
    levels = sorted(set(office.population.scans))
    rows: list[Cells] = []
    for level in range(0, len(DOUBTS), 3):
        shares = [office.automation(office.only(scan), level) for scan in levels]
        rows.append(
            (
                f"{level_to_threshold(level):.4f}",
                f"{office.error(even, level):.2%}",
                f"{office.automation(even, level):.1%}",
                *(f"{share:.0%}" for share in shares),
            )
        )
    return rows


def reliability_rows(population: Population) -> list[Cells]:
    kinds = {"all": measure_reliability(population.judged), **measure_by_kind(population.judged)}
    return [
        (
            kind,
            str(one.fields),
            f"{one.right:.4f}",
            f"{one.brier:.4f}",
            f"{one.calibration_error:.4f}",
        )
        for kind, one in kinds.items()
    ]


def measure_promise(forms: int, processes: int, repetitions: int) -> Section:
    documents = find_observed(forms, processes)
    population = observed_to_population(documents, load_calibrator())
    office = Office(population)
    scans = sorted(set(population.scans))
    shares = ("error", "automation")
    audit = ("how the threshold is found", "read", "audited", "proved", "above target", *shares)
    watched = ("proved", "withdrawn", "after documents")
    live = ("what comes after the promise", "repetitions", "above target", *shares, *watched)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        audited = audit_rows(office, repetitions, pool)
        lived = live_rows(office, repetitions, pool)
    tables = [
        Figures(audit, (*audited, *score_rows(office))),
        Figures(live, tuple(lived)),
        Figures(("threshold", *shares, *scans), tuple(curve_rows(office))),
        Figures(
            ("kind", "fields", "right", "Brier score", "calibration error"),
            tuple(reliability_rows(population)),
        ),
    ]
    head = (
        f"{len(documents)} documents, {len(population.wrong)} fields, "
        f"{population.wrong.mean():.2%} of them read wrong; target {TARGET:.1%} at "
        f"{CERTAINTY:.0%}, {repetitions} repetitions; {USUAL_POLICY.audit_documents:.0%} of the "
        f"documents are audited, {USUAL_POLICY.audit_fields:.0%} of the fields of each "
        f"({FEW_DOCUMENTS[0]:.0%} and {FEW_DOCUMENTS[1]:.0%} where fewer are). Below: "
        f"{READ[-1]} documents were read before, and {LATER} come after."
    )
    body = "\n\n".join([head, *map(figures_to_markdown, tables)])
    data = {"tables": [{"columns": table.columns, "rows": table.rows} for table in tables]}
    return Section("promise", "The promise", body, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=FORMS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    section = measure_promise(options.forms, options.processes, options.repetitions)
    print(section.body)
    write_sections([section], options.out)


if __name__ == "__main__":
    main()
