"""How much of what is printed comes out right, on the samples and on unseen synthetic forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

from benchmarks.measures import (
    UNKNOWN,
    Counts,
    JudgedField,
    automation_at_error,
    measure_record,
)
from benchmarks.report import Figures, Section, figures_to_markdown, share
from benchmarks.synthetic import UnseenForm, print_form, printed_truth, write_form_scan
from benchmarks.truth import Truth, read_truth
from extraction.errors import FormloopError
from extraction.pages.sources import SourceFile, iter_sources
from extraction.pipeline import Stations, extract_document
from extraction.values import Record

SAMPLES = Path(__file__).parents[1] / "samples"
BORN_DIGITAL = "born-digital"
ASKED = {
    BORN_DIGITAL: 1.0,
    "clean300": 0.99,
    "office200": 0.99,
    "stamped200": 0.97,
    "fax200": 0.97,
    "archive150": 0.97,
    "photo": 0.95,
}
SHOWN_AROUND = 6
ERRORS = (0.01, 0.025)
COLUMNS = (
    *("docs", "form type", "fields", "field accuracy", "asked", "cell F1", "structure F1"),
    *("TEDS", "TEDS-S", "CER"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One document's measures; ``declared`` where its form type is declared."""

    document: str
    level: str
    declared: bool
    counts: Counts


def samples_by_level(levels: Sequence[str] = tuple(ASKED)) -> Iterator[tuple[str, Path, Path]]:
    """Level, file and truth of every sample."""
    for truth in sorted((SAMPLES / "truth").glob("*.json")):
        for level in levels:
            name = f"scans/{truth.stem}_{level}.pdf"
            if level == BORN_DIGITAL:
                name = f"pdf/{truth.stem}.pdf"
            yield level, SAMPLES / name, truth


def read_source(path: Path) -> SourceFile:
    source = next(iter_sources([path]))
    if isinstance(source, FormloopError):
        raise source
    return source


def measure_samples(
    stations: Stations, levels: Sequence[str] = tuple(ASKED), *, teds: bool = True
) -> Iterator[Measured]:
    for level, path, truth in samples_by_level(levels):
        yield measure_file(path, read_truth(truth), level, stations, teds=teds)


def measure_synthetic(
    stations: Stations, forms: Iterable[UnseenForm], folder: Path, *, teds: bool = True
) -> Iterator[Measured]:
    """``folder`` takes the scans while they are read."""
    for form in forms:
        printed = print_form(form)
        path = folder / f"{form.level}-{form.seed}.pdf"
        write_form_scan(form, printed, path)
        truth = printed_truth(printed, form)
        measured = measure_file(path, truth, form.level, stations, teds=teds)
        yield replace(measured, document=f"{measured.document} {printed.family}")
        path.unlink()


def measure_file(
    path: Path, truth: Truth, level: str, stations: Stations, *, teds: bool
) -> Measured:
    source = read_source(path)
    try:
        record = extract_document(source, stations).record
    except FormloopError:
        # A form that cannot be read at all is one with nothing in it, for the figures.
        record = empty_record(source)
    counts = measure_record(record, truth, teds=teds)
    return Measured(path.stem, level, truth.form_type != UNKNOWN, counts)


def empty_record(source: SourceFile) -> Record:
    return Record(source.name, source.sha256, UNKNOWN, {}, {}, {}, (), (), ())


def samples_section(measured: Sequence[Measured]) -> Section:
    levels = list(dict.fromkeys(item.level for item in measured))
    rows = tuple(level_row(level, measured, ASKED.get(level)) for level in levels)
    body = figures_to_markdown(Figures(("level", *COLUMNS), rows))
    return Section("samples", "Samples", body, {"documents": measured_to_json(measured)})


def synthetic_section(measured: Sequence[Measured]) -> Section:
    """Declared types level by level, then forms of other kinds, where no record may appear."""
    declared = [item for item in measured if item.declared]
    others = [item for item in measured if not item.declared]
    levels = list(dict.fromkeys(item.level for item in measured))
    rows = [level_row(level, declared, ASKED.get(level)) for level in levels]
    rows.append(level_row("all", [replace(item, level="all") for item in declared], None))
    parts = [
        "Forms of the declared types:",
        figures_to_markdown(Figures(("level", *COLUMNS), tuple(rows))),
        automation_line([field for item in declared for field in item.counts.judged]),
        "Forms of other kinds:",
        figures_to_markdown(others_figures(others, levels)),
    ]
    data = {"documents": measured_to_json(measured)}
    return Section("synthetic", "Unseen synthetic forms", "\n\n".join(parts), data)


def level_row(level: str, measured: Sequence[Measured], asked: float | None) -> tuple[str, ...]:
    counts = total([item.counts for item in measured if item.level == level])
    return (
        level,
        str(counts.documents),
        share(counts.form_type_accuracy, 2),
        str(len(counts.judged)),
        share(counts.field_accuracy, 4),
        "" if asked is None else f"{'' if asked == 1 else '≥ '}{asked:.2f}",
        share(counts.cell_f1, 4),
        share(counts.structure_f1, 4),
        share(counts.mean_teds),
        share(counts.mean_teds_structure),
        f"{counts.cer:.4f}",
    )


def others_figures(others: Sequence[Measured], levels: Sequence[str]) -> Figures:
    rows = []
    for level in (*levels, "all"):
        counts = total([item.counts for item in others if level in (item.level, "all")])
        invented = f"{counts.records_invented} of {counts.documents}"
        shares = (counts.cell_f1, counts.structure_f1, counts.mean_teds)
        teds_structure = share(counts.mean_teds_structure)
        rows.append((level, invented, *map(share, shares), teds_structure, f"{counts.cer:.4f}"))
    columns = ("level", "invented records", "cell F1", "structure F1", "TEDS", "TEDS-S", "CER")
    return Figures(columns, tuple(rows))


def automation_line(judged: Sequence[JudgedField]) -> str:
    from_measures = [
        f"{share(automation_at_error(judged, error), 2)} at {error:.1%}" for error in ERRORS
    ]
    return (
        "Share of fields that could go through without review, at the error among them: "
        + ", ".join(from_measures)
        + "."
    )


def total(counts: Iterable[Counts]) -> Counts:
    return reduce(add, counts, Counts())


def wrong_lines(measured: Iterable[Measured]) -> Iterator[str]:
    """Every field that is not exactly right: document, path, printed, read."""
    for item in measured:
        for field in item.counts.judged:
            if field.read is None:
                yield f"{item.document}  {field.path}  printed {field.printed!r}  missing"
            elif not field.right:
                printed, read = without_shared(field.printed, field.read)
                yield f"{item.document}  {field.path}  printed {printed!r}  read {read!r}"


def without_shared(printed: str, read: str) -> tuple[str, str]:
    """Both texts around the part that differs; what they share before and after is cut."""
    start = max(0, shared_start(printed, read) - SHOWN_AROUND)
    shared = shared_start(printed[:start:-1], read[:start:-1]) - SHOWN_AROUND
    before = "…" if start else ""
    if shared <= 0:
        return before + printed[start:], before + read[start:]
    return f"{before}{printed[start:-shared]}…", f"{before}{read[start:-shared]}…"


def shared_start(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))


def measured_to_json(measured: Iterable[Measured]) -> list[dict[str, object]]:
    return [
        {
            "document": item.document,
            "level": item.level,
            "field_accuracy": item.counts.field_accuracy,
            "cell_f1": item.counts.cell_f1,
            "structure_f1": item.counts.structure_f1,
            "teds": item.counts.mean_teds,
            "teds_structure": item.counts.mean_teds_structure,
            "cer": item.counts.cer,
            "form_type_right": bool(item.counts.form_types_right),
            "invented": bool(item.counts.records_invented),
            "wrong": [
                {"path": f.path, "printed": f.printed, "read": f.read, "confidence": f.confidence}
                for f in item.counts.judged
                if not f.right
            ],
        }
        for item in measured
    ]
