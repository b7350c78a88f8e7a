"""What a run tells of itself: a line per document, a table at the end, its failures kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from extraction.exports.naming import record_to_named_fields
from service.extract_job import Failure, Outcome, write_whole

FAILURES_FILE = "errors.jsonl"


@dataclass(frozen=True, slots=True)
class Tally:
    """What is kept of an outcome until the end of the run, its record left out."""

    name: str
    sha256: str
    seconds: float
    form_type: str | None
    pages: int
    fields: int
    reviewed: int
    skipped: bool
    failures: tuple[Failure, ...]


def outcome_to_tally(outcome: Outcome) -> Tally:
    record = outcome.record
    routes = [named.field.route for named in record_to_named_fields(record)] if record else []
    return Tally(
        outcome.name,
        outcome.sha256,
        outcome.seconds,
        record.form_type if record else None,
        len(record.pages) if record else 0,
        len(routes),
        routes.count("review"),
        outcome.skipped,
        outcome.failures,
    )


def tally_line(tally: Tally) -> Text:
    """How a document went, in one line."""
    if tally.form_type is None:
        return Text(f"{tally.name}: failed", style="red")
    done = "done before" if tally.skipped else f"{tally.seconds:.1f} s"
    return Text(
        f"{tally.name}: {tally.form_type}, {tally.pages} pages,"
        f" {tally.fields} fields, {tally.reviewed} to review, {done}"
    )


def tallies_to_table(tallies: Sequence[Tally], seconds: float) -> Table:
    """A row for every form type and one for all; failed inputs are counted in the last."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("form type")
    for name in ("documents", "pages", "fields", "to review", "done before", "failed", "seconds"):
        table.add_column(name, justify="right")
    for form_type in sorted({tally.form_type for tally in tallies if tally.form_type}):
        of_type = [tally for tally in tallies if tally.form_type == form_type]
        spent = sum(tally.seconds for tally in of_type)
        table.add_row(form_type, *_counts(of_type), f"{spent:.1f}")
    table.add_section()
    table.add_row("all", *_counts(tallies), f"{seconds:.1f}")
    return table


def _counts(tallies: Sequence[Tally]) -> tuple[str, ...]:
    counts = (
        sum(tally.form_type is not None for tally in tallies),
        sum(tally.pages for tally in tallies),
        sum(tally.fields for tally in tallies),
        sum(tally.reviewed for tally in tallies),
        sum(tally.skipped for tally in tallies),
        sum(bool(tally.failures) for tally in tallies),
    )
    return tuple(map(str, counts))


def write_failures(folder: Path, tallies: Iterable[Tally]) -> None:
    """Keep the run's failures beside its results, one JSON object a line; no file for none."""
    path = folder / FAILURES_FILE
    lines = [
        json.dumps({**asdict(failure), "sha256": tally.sha256}, ensure_ascii=False) + "\n"
        for tally in tallies
        for failure in tally.failures
    ]
    if lines:
        write_whole(path, "".join(lines).encode("utf-8"))
    else:
        path.unlink(missing_ok=True)


def read_failed_digests(folder: Path) -> frozenset[str]:
    """Digests of documents that an earlier run could not read in full."""
    try:
        lines = (folder / FAILURES_FILE).read_text(encoding="utf-8").splitlines()
        return frozenset(json.loads(line)["sha256"] for line in lines)
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
