"""An office whose true errors are known: what it audits, and what its promise comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from annotation.drift import (
    ALL,
    NO_SUMS,
    PATIENCE,
    QUALITY_GROUP,
    Sums,
    bet_on_document,
    group_slack,
    patience_share,
)
from annotation.policy import USUAL_POLICY
from annotation.promise import DOUBTS, NEVER, Audit, Counts, Proof, find_proof, start_level
from annotation.quality import POOREST, QUALITIES, Mixture, find_mixture
from annotation.simulated_audit import simulated_documents
from annotation.standing import cautious_level, withdrawn_level
from archive.audited import MOST_AUDITED
from archive.recent import RECENT_DOCUMENTS
from benchmarks.promise_documents import Population

TARGET: Final = 0.005
CERTAINTY: Final = 0.95
LATER: Final = 10_000
"""Documents that come after the promise is made."""
BLOCK: Final = 1000
"""Documents between two looks at the audit; the last ``RECENT_DOCUMENTS`` of them tell how
the scans are mixed."""
FACTOR: Final = 6.0
"""How many times as often scans of the favoured levels come in another mixture."""

Weights = NDArray[np.float64]
Numbers = NDArray[np.int64]
Prove = Callable[[Audit, Mixture], Proof | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one repetition came to. ``proved`` is the share of the time in which a threshold
    was proved, ``withdrawn_after`` counts documents until the watch spoke, None for never."""

    error: float
    automation: float
    proved: float
    withdrawn_after: int | None = None


class Office:
    """A population with the true counts of each document at every level of doubt.

    That ``share`` of its documents is wrong throughout without a sign of it.
    """

    def __init__(self, population: Population, share: float = 0.0) -> None:
        self.population = population
        self.share = share
        owner = np.repeat(np.arange(len(population.scans)), population.sizes)
        self.seen = self._count(owner, population.levels)
        self.wrong = self._count(owner[population.wrong], population.levels[population.wrong])

    def _count(self, owner: Numbers, levels: Numbers) -> Counts:
        return count_accepted(owner, levels, len(self.population.scans))

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

    def error(self, weights: Weights, level: int, poorest: int = POOREST) -> float:
        kept = weights * (self.population.qualities <= poorest)
        seen = float(kept @ self.seen[:, level])
        error = float(kept @ self.wrong[:, level]) / seen if seen else 0.0
        return error + self.share * (1.0 - error)

    def automation(self, weights: Weights, level: int, poorest: int = POOREST) -> float:
        kept = weights * (self.population.qualities <= poorest)
        return float(kept @ self.seen[:, level]) / float(weights @ self.population.sizes)

    def draw(self, weights: Weights, documents: int, rng: np.random.Generator) -> Numbers:
        return rng.choice(len(weights), documents, p=weights)

    def qualities(self, chosen: Numbers) -> Mixture:
        return find_mixture(self.population.qualities[chosen])

    def audit(self, chosen: Numbers, rng: np.random.Generator, share: float) -> Audit:
        """That share of the fields of the chosen documents, looked at."""
        population = self.population
        sizes = population.sizes[chosen]
        owner = np.repeat(np.arange(len(chosen)), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        field = population.starts[chosen][owner] + within
        drawn = rng.random(len(field)) < share
        owner, field = owner[drawn], field[drawn]
        spoilt = rng.random(len(chosen)) < self.share
        wrong = population.wrong[field] | spoilt[owner]
        levels = population.levels[field]
        return Audit(
            count_accepted(owner[wrong], levels[wrong], len(chosen)),
            count_accepted(owner, levels, len(chosen)),
            population.qualities[chosen],
        )


def count_accepted(owner: Numbers, levels: Numbers, documents: int) -> Counts:
    """Fields of each document accepted at each of ``DOUBTS``."""
    width = NEVER + 1
    counts = np.bincount(owner * width + levels, minlength=documents * width)
    cumulated: Counts = counts.reshape(documents, width).cumsum(axis=1)[:, :NEVER].astype(float)
    return cumulated


def prove_documents(audit: Audit, mixture: Mixture) -> Proof | None:
    return find_proof(audit, TARGET, CERTAINTY, mixture)


def prove_fields(audit: Audit, mixture: Mixture) -> Proof | None:
    """As if the fields of a document were independent: the binomial tail over all fields."""
    proved = None
    for level in range(start_level(audit.seen, TARGET), len(DOUBTS)):
        wrong, fields = audit.wrong[:, level].sum(), audit.seen[:, level].sum()
        if not fields or binom.cdf(wrong, fields, TARGET) > 1.0 - CERTAINTY:
            break
        proved = Proof(level, POOREST, CERTAINTY)
    return proved


def audit_once(
    office: Office,
    weights: Weights,
    audited: int,
    fields: float,
    prove: Prove,
    rng: np.random.Generator,
) -> Outcome:
    """A threshold from one audit, and what it does to all documents of the mixture."""
    audit = office.audit(office.draw(weights, audited, rng), rng, fields)
    recent = office.qualities(office.draw(weights, RECENT_DOCUMENTS, rng))
    proof = prove(audit, recent)
    if proof is None:
        return Outcome(0.0, 0.0, proved=0.0)
    place = weights, proof.level, proof.poorest
    return Outcome(office.error(*place), office.automation(*place), proved=1.0)


def simulate_once(office: Office, weights: Weights, rng: np.random.Generator) -> Outcome:
    """The cautious threshold before any audit, from one draw of the simulated documents."""
    documents = simulated_documents()
    drawn = [documents[number] for number in rng.integers(0, len(documents), len(documents))]
    recent = office.qualities(office.draw(weights, RECENT_DOCUMENTS, rng))
    level = cautious_level(drawn, TARGET, recent)
    if level < 0:
        return Outcome(0.0, 0.0, proved=0.0)
    error, automation = office.error(weights, level), office.automation(weights, level)
    return Outcome(error, automation, proved=0.0)


class Watch:
    """The watch of ``annotation.drift`` over all documents and each quality, by counts."""

    def __init__(self) -> None:
        self.sums: dict[str, Sums] = {}

    def look(self, audit: Audit, proof: Proof) -> bool:
        """Whether the promise was seen not to hold."""
        part = audit.up_to(proof.poorest)
        told = part.seen[:, proof.level] > 0
        wrong, seen = part.wrong[told, proof.level], part.seen[told, proof.level]
        groups = {ALL: np.full(len(seen), True)}
        for quality in range(QUALITIES):
            groups[f"{QUALITY_GROUP}{quality}"] = part.qualities[told] == quality
        for group, kept in groups.items():
            # One form type and each quality share the half that is not for all.
            most = PATIENCE * patience_share(group, QUALITIES + 1)
            sums = self.sums.get(group, NO_SUMS)
            for factors in bet_on_document(
                wrong[kept].astype(np.int64),
                seen[kept].astype(np.int64),
                TARGET * group_slack(group),
            ):
                sums = (sums + 1.0) * factors
                if sums.mean() >= most:
                    self.sums = {}
                    return True
            self.sums[group] = sums
        return False


def live_once(
    office: Office,
    before: Weights,
    later: tuple[Office, Weights],
    audited: int,
    rng: np.random.Generator,
) -> Outcome:
    """After an audit, documents of another mixture (or of another office) come, and some of
    them are audited; the threshold follows what comes, what the audit proves and what the
    watch sees, each a block late."""
    audit = office.audit(office.draw(before, audited, rng), rng, USUAL_POLICY.audit_fields)
    recent = office.qualities(office.draw(before, RECENT_DOCUMENTS, rng))
    proof = prove_documents(audit, recent)
    watch, withdrawn_after, proved = Watch(), None, 0
    totals = np.zeros(3)
    other, weights = later
    strictest = Proof(withdrawn_level(TARGET), POOREST, 0.0)
    for start in range(0, LATER, BLOCK):
        came = other.draw(weights, BLOCK, rng)
        used = strictest if proof is None else proof
        proved += proof is not None
        totals += accepted(other, came, used)
        looked = other.audit(
            came[: round(BLOCK * USUAL_POLICY.audit_documents)], rng, USUAL_POLICY.audit_fields
        )
        stopped = used.level >= 0 and watch.look(looked, used)
        audit = looked if stopped else joined(audit, looked)
        if stopped and withdrawn_after is None:
            withdrawn_after = start + BLOCK
        proof = prove_documents(audit, other.qualities(came[-RECENT_DOCUMENTS:]))
    error = totals[0] / totals[1] if totals[1] else 0.0
    share = proved * BLOCK / LATER
    return Outcome(error, totals[1] / totals[2], share, withdrawn_after)


def joined(one: Audit, other: Audit) -> Audit:
    """The newest of both, as many as are kept."""
    return Audit(
        np.vstack([one.wrong, other.wrong])[-MOST_AUDITED:],
        np.vstack([one.seen, other.seen])[-MOST_AUDITED:],
        np.concatenate([one.qualities, other.qualities])[-MOST_AUDITED:],
    )


def accepted(office: Office, came: Numbers, proof: Proof) -> Weights:
    """Wrong accepted, accepted and all fields of the documents."""
    population, level = office.population, proof.level
    fields = float(population.sizes[came].sum())
    if level < 0:
        return np.array([0.0, 0.0, fields])
    kept = came[population.qualities[came] <= proof.poorest]
    return np.array([office.wrong[kept, level].sum(), office.seen[kept, level].sum(), fields])


def spoilt(population: Population, fields: float, seed: int = 1) -> Population:
    """The same work where that share of fields is wrong without a sign of it."""
    broken = np.random.default_rng(seed).random(len(population.wrong)) < fields
    return replace(population, wrong=population.wrong | broken)


def repeated(
    run: Callable[[np.random.Generator], Outcome],
    repetitions: int,
    pool: Executor | None = None,
) -> Sequence[Outcome]:
    seeded = partial(_run_with_seed, run)
    if pool is None:
        return [seeded(number) for number in range(repetitions)]
    return [*pool.map(seeded, range(repetitions), chunksize=10)]


def _run_with_seed(run: Callable[[np.random.Generator], Outcome], number: int) -> Outcome:
    return run(np.random.default_rng([number, 83]))


def favoured_one_by_one(office: Office) -> Mapping[str, Weights]:
    """Each level of scans, coming six times as often."""
    return {scan: office.mixture((scan,)) for scan in sorted(set(office.population.scans))}
