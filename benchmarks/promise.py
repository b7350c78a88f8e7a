"""Is the promised error rate kept? By simulation, with the fields of scans that were read.

    python -m benchmarks.promise [--forms 132] [--repetitions 200] [--out docs/benchmarks.md]

The documents are the whole of an office's work: those that are audited and those that come
later are drawn from them with replacement, so that the true error of every threshold is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from annotation.drift import NO_SUMS, PATIENCE, add_document
from annotation.promise import (
    DOUBTS,
    NEVER,
    Counts,
    level_to_threshold,
    prove_level_of_counts,
    start_level,
)
from annotation.reliability import measure_by_kind, measure_reliability
from annotation.simulated_audit import simulated_documents
from annotation.standing import WITHDRAWN_SHARE, cautious_level
from benchmarks.promise_documents import (
    FORMS,
    Population,
    find_observed,
    observed_to_population,
)
from benchmarks.report import Figures, Section, figures_to_markdown, write_sections
from extraction.confidence import load_calibrator

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
TARGET: Final = 0.005
CERTAINTY: Final = 0.95
REPETITIONS: Final = 200
AUDITED: Final = (1000, 2000, 4000)
"""Audited documents. One in ten is audited by default, so ten times as many were read."""
AUDIT_FIELDS: Final = 0.2
AUDIT_DOCUMENTS: Final = 0.1
LATER: Final = 20_000
"""Documents that come after the promise is made."""
BLOCK: Final = 500
"""Documents between two looks at the audit."""
POOR: Final = ("fax200", "archive150", "copy", "lowres", "mixed")
GOOD: Final = ("clean300", "office200", "stamped200", "screen", "marker")
OFFICE: Final = "office200"
FACTOR: Final = 6.0
"""How many times as often scans of the favoured levels come in another mixture."""
SCORES: Final = (0.9, 0.95, 0.98, 0.99)
BROKEN: Final = 0.03
"""Share of accepted fields that a new scanner spoils without a sign of it."""
SPOILT_DOCUMENTS: Final = 0.003
"""Share of documents that are wrong throughout without a sign of it, in the worst case."""

Weights = NDArray[np.float64]
Cells = tuple[str, ...]
Prove = Callable[[Counts, Counts, float, float], int | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one repetition came to. ``withdrawn_after`` counts documents, None for never."""

    error: float
    automation: float
    proved: bool
    withdrawn_after: int | None = None


class Office:
    """A population with the true counts of each document at every level of doubt."""

    def __init__(self, population: Population) -> None:
        self.population = population
        owner = np.repeat(np.arange(len(population.scans)), population.sizes)
        self.seen = self._count(owner, population.levels)
        self.wrong = self._count(owner[population.wrong], population.levels[population.wrong])

    def _count(self, owner: NDArray[np.int64], levels: NDArray[np.int64]) -> Counts:
        return count_levels(owner, levels, len(self.population.scans))

    def mixture(self, favoured: Sequence[str] = (), factor: float = FACTOR) -> Weights:
        """Chance of each document: all levels of scans alike, but for the favoured ones."""
        scans = self.population.scans
        weights = np.zeros(len(scans))
        for level in sorted(set(scans)):
            of_level = scans == level
            weights[of_level] = (factor if level in favoured else 1.0) / of_level.sum()
        weights /= weights.sum()
        return weights

    def only(self, scan: str) -> Weights:
        weights = np.zeros(len(self.population.scans))
        weights[self.population.scans == scan] = 1.0
        weights /= weights.sum()
        return weights

    def error(self, weights: Weights, level: int) -> float:
        seen = float(weights @ self.seen[:, level])
        return float(weights @ self.wrong[:, level]) / seen if seen else 0.0

    def automation(self, weights: Weights, level: int) -> float:
        return float(weights @ self.seen[:, level]) / float(weights @ self.population.sizes)

    def audit(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Counts, Counts]:
        """Wrong and all fields drawn from the chosen documents, each × levels."""
        population = self.population
        sizes = population.sizes[chosen]
        owner = np.repeat(np.arange(len(chosen)), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        field = population.starts[chosen][owner] + within
        drawn = rng.random(len(field)) < AUDIT_FIELDS
        owner, field = owner[drawn], field[drawn]
        wrong = population.wrong[field]
        levels = population.levels[field]
        seen = count_levels(owner, levels, len(chosen))
        return count_levels(owner[wrong], levels[wrong], len(chosen)), seen


def count_levels(owner: NDArray[np.int64], levels: NDArray[np.int64], documents: int) -> Counts:
    """Fields of each document accepted at each of ``DOUBTS``."""
    width = NEVER + 1
    counts = np.bincount(owner * width + levels, minlength=documents * width)
    cumulated: Counts = counts.reshape(documents, width).cumsum(axis=1)[:, :NEVER].astype(float)
    return cumulated


def prove_fields(wrong: Counts, seen: Counts, target: float, certainty: float) -> int | None:
    """As if the fields of a document were independent: the binomial tail over all fields."""
    proved = None
    for level in range(start_level(seen, target), len(DOUBTS)):
        fields = seen[:, level].sum()
        if not fields or binom.cdf(wrong[:, level].sum(), fields, target) > 1.0 - certainty:
            break
        proved = level
    return proved


def audit_once(
    office: Office, weights: Weights, audited: int, prove: Prove, rng: np.random.Generator
) -> Outcome:
    """A threshold from one audit, and what it does to all documents of the mixture."""
    chosen = rng.choice(len(weights), audited, p=weights)
    level = prove(*office.audit(chosen, rng), TARGET, CERTAINTY)
    if level is None:
        return Outcome(0.0, 0.0, proved=False)
    error, automation = office.error(weights, level), office.automation(weights, level)
    return Outcome(error, automation, proved=True)


def simulate_once(office: Office, weights: Weights, rng: np.random.Generator) -> Outcome:
    """The cautious threshold before any audit, from one draw of the simulated documents."""
    documents = simulated_documents()
    drawn = [documents[number] for number in rng.integers(0, len(documents), len(documents))]
    level = cautious_level(drawn, TARGET)
    if level < 0:
        return Outcome(0.0, 0.0, proved=False)
    error, automation = office.error(weights, level), office.automation(weights, level)
    return Outcome(error, automation, proved=False)


def live_once(
    office: Office,
    before: Weights,
    later: tuple[Office, Weights],
    audited: int,
    rng: np.random.Generator,
) -> Outcome:
    """After an audit, documents of another mixture (or of another office) come, and one in
    ten of them is audited; the threshold follows what the audit proves and the watch sees."""
    chosen = rng.choice(len(before), audited, p=before)
    wrong, seen = office.audit(chosen, rng)
    level = prove_level_of_counts(wrong, seen, TARGET, CERTAINTY)
    sums, withdrawn_after = NO_SUMS, None
    totals = np.zeros(3)
    other, weights = later
    for start in range(0, LATER, BLOCK):
        came = rng.choice(len(weights), BLOCK, p=weights)
        totals += _accepted(other, came, level)
        looked = came[: round(BLOCK * AUDIT_DOCUMENTS)]
        new_wrong, new_seen = other.audit(looked, rng)
        if level is not None and level >= 0:
            for number in np.flatnonzero(new_seen[:, level]):
                counts = int(new_wrong[number, level]), int(new_seen[number, level])
                sums = add_document(sums, *counts, TARGET)
        if sums.mean() >= 2 * PATIENCE and withdrawn_after is None:
            withdrawn_after = start + BLOCK
            wrong, seen = wrong[:0], seen[:0]
        else:
            wrong, seen = np.vstack([wrong, new_wrong]), np.vstack([seen, new_seen])
        level = prove_level_of_counts(wrong, seen, TARGET, CERTAINTY)
        if level is None and withdrawn_after is not None:
            level = sum(doubt <= WITHDRAWN_SHARE * TARGET for doubt in DOUBTS) - 1
    error = totals[0] / totals[1] if totals[1] else 0.0
    return Outcome(error, totals[1] / totals[2], proved=True, withdrawn_after=withdrawn_after)


def _accepted(office: Office, came: NDArray[np.int64], level: int | None) -> NDArray[np.float64]:
    """Wrong accepted, accepted and all fields of the documents."""
    fields = float(office.population.sizes[came].sum())
    if level is None or level < 0:
        return np.array([0.0, 0.0, fields])
    return np.array([office.wrong[came, level].sum(), office.seen[came, level].sum(), fields])


def spoilt(population: Population, documents: float, fields: float, seed: int = 1) -> Population:
    """The same work where that share of documents is wrong throughout, and of the fields of
    the others that share, without a sign of it in any confidence."""
    rng = np.random.default_rng(seed)
    whole = np.repeat(rng.random(len(population.scans)) < documents, population.sizes)
    single = rng.random(len(population.wrong)) < fields
    return Population(
        population.scans,
        population.starts,
        population.levels,
        population.wrong | whole | single,
        population.scores,
        population.judged,
    )


def repeated(run: Callable[[np.random.Generator], Outcome], repetitions: int) -> list[Outcome]:
    return [run(np.random.default_rng([number, 83])) for number in range(repetitions)]


def outcomes_to_row(name: str, documents: str, outcomes: Sequence[Outcome]) -> Cells:
    errors = np.array([one.error for one in outcomes])
    return (
        name,
        documents,
        f"{np.mean([one.proved for one in outcomes]):.0%}",
        f"{np.mean(errors > TARGET):.1%}",
        f"{errors.mean():.2%}",
        f"{np.mean([one.automation for one in outcomes]):.1%}",
    )


def audit_rows(office: Office, repetitions: int) -> list[Cells]:
    even, only = office.mixture(), office.only(OFFICE)
    spoilt_office = Office(spoilt(office.population, SPOILT_DOCUMENTS, 0.0))
    cases: tuple[tuple[str, Office, Weights, Prove], ...] = (
        ("by document, all levels alike", office, even, prove_level_of_counts),
        (f"by document, {OFFICE} alone", office, only, prove_level_of_counts),
        ("by document, 3 in 1000 documents spoilt", spoilt_office, even, prove_level_of_counts),
        ("fields as if independent, all levels alike", office, even, prove_fields),
        ("fields as if independent, 3 in 1000 spoilt", spoilt_office, even, prove_fields),
    )
    rows: list[Cells] = [
        outcomes_to_row(
            "before any audit, from simulated scans",
            "0",
            repeated(partial(simulate_once, office, even), repetitions),
        )
    ]
    for name, place, weights, prove in cases:
        for audited in AUDITED:
            outcomes = repeated(partial(audit_once, place, weights, audited, prove), repetitions)
            rows.append(outcomes_to_row(name, str(audited), outcomes))
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
        rows.append((name, "–", "–", exceeds, f"{error:.2%}", f"{automation:.1%}"))
    return rows


def live_rows(office: Office, repetitions: int) -> list[Cells]:
    even = office.mixture()
    broken = Office(spoilt(office.population, 0.0, BROKEN))
    cases: Mapping[str, tuple[Office, Weights]] = {
        "the same mixture": (office, even),
        "poor scans six times as often": (office, office.mixture(POOR)),
        "good scans six times as often": (office, office.mixture(GOOD)),
        f"a scanner that spoils {BROKEN:.0%} unseen": (broken, even),
    }
    rows: list[Cells] = []
    for name, later in cases.items():
        run = partial(live_once, office, even, later, AUDITED[-1])
        outcomes = repeated(run, repetitions)
        withdrawn = [one.withdrawn_after for one in outcomes if one.withdrawn_after is not None]
        after = f"{np.median(withdrawn):.0f}" if withdrawn else "–"
        errors = np.array([one.error for one in outcomes])
        rows.append(
            (
                name,
                f"{np.mean(errors > TARGET):.1%}",
                f"{errors.mean():.2%}",
                f"{np.mean([one.automation for one in outcomes]):.1%}",
                f"{len(withdrawn) / len(outcomes):.0%}",
                after,
            )
        )
    return rows


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
    audit = ("how the threshold is found", "audited documents", "proved", "above target", *shares)
    live = ("what comes after the promise", "above target", *shares, "withdrawn", "after documents")
    tables = [
        Figures(audit, tuple(audit_rows(office, repetitions) + score_rows(office))),
        Figures(live, tuple(live_rows(office, repetitions))),
        Figures(("threshold", *shares, *scans), tuple(curve_rows(office))),
        Figures(
            ("kind", "fields", "right", "Brier score", "calibration error"),
            tuple(reliability_rows(population)),
        ),
    ]
    head = (
        f"{len(documents)} documents, {len(population.wrong)} fields, "
        f"{population.wrong.mean():.2%} of them read wrong; target {TARGET:.1%} at "
        f"{CERTAINTY:.0%}, {repetitions} repetitions, {AUDIT_FIELDS:.0%} of the fields of an "
        "audited document looked at."
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
