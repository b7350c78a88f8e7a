"""What a lexicon of other documents repairs rightly and wrongly in documents that it never saw:
``python -m benchmarks.lexicon --per-level 6``.

Pages are read once; the record is put together with the lexicon and without.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from annotation.lexicon import Learnt, SeenText, learn_lexicon
from annotation.paths import path_to_place, record_fields
from benchmarks.quality import read_source, samples_by_level
from benchmarks.report import Figures, figures_to_markdown
from benchmarks.synthetic import UnseenForm, print_form, printed_truth, write_form_scan
from benchmarks.truth import Truth, read_truth
from extraction.declarations import FormDeclaration
from extraction.errors import FormloopError
from extraction.lexicon import read_as
from extraction.normalise import compact_text
from extraction.pages.read import read_pages
from extraction.pipeline import Stations, read_page, readings_to_record
from models.synthesis.forms import form_kinds
from models.synthesis.levels import Level
from workers.stations import build_stations

LEVELS: tuple[Level, ...] = ("archive150", "fax200")
LEARNT_FROM, MEASURED_FROM = 980_000, 950_000
"""Seeds of the forms that the lexicon is learnt from, and of those that it is measured on."""
PEOPLE = ("first", "second")


@dataclass(frozen=True, slots=True)
class Repaired:
    """Fields of one level: ``fixed`` were wrong and are right, ``harmed`` the other way round,
    ``still_wrong`` were repaired to a wrong text; ``closed`` counts the fields
    that have a lexicon, ``wrong`` and ``closed_wrong`` what is misread without it."""

    fields: int = 0
    wrong: int = 0
    closed: int = 0
    closed_wrong: int = 0
    fixed: int = 0
    harmed: int = 0
    still_wrong: int = 0

    def __add__(self, other: Repaired) -> Repaired:
        pairs = zip(_counts(self), _counts(other), strict=True)
        return Repaired(*(one + another for one, another in pairs))


def truth_to_seen(truth: Truth, document_id: str, author: str) -> Iterator[SeenText]:
    """What people would have said of a document who make no mistakes."""
    for path, text in truth.fields.items():
        yield SeenText(truth.form_type, path_to_place(path).name, document_id, author, text)


def learn_from_others(
    forms: int, declarations: Sequence[FormDeclaration], samples: Iterable[Path]
) -> Learnt:
    """From synthetic forms of other seeds than any that is measured, and ``samples``' truths."""
    kinds = form_kinds()[: len(declarations)]
    truths = [read_truth(path) for path in samples]
    for number in range(forms):
        form = UnseenForm(LEARNT_FROM + number, "clean300", kinds[number % len(kinds)])
        truths.append(printed_truth(print_form(form, dpi=72), form))
    seen = [
        item
        for number, truth in enumerate(truths)
        for item in truth_to_seen(truth, str(number), PEOPLE[number % len(PEOPLE)])
    ]
    return learn_lexicon(seen, declarations)


def measure_file(path: Path, truth: Truth, stations: Stations, learnt: Learnt) -> Repaired:
    source = read_source(path)
    readings = []
    for raw in read_pages(source.data, source.name, stations.limits):
        if not isinstance(raw, FormloopError):
            readings.append(read_page(raw, stations.rulings, stations.reader)[1])
    taught = replace(stations, lexicon=replace(learnt.lexicon, version="measured"))
    records = [
        {item.path: item for item in record_fields(readings_to_record(source, readings, one))}
        for one in (stations, taught)
    ]
    closed = {(one.form_type, one.name) for one in learnt.lexicon.vocabularies}
    counts = Counter[str]()
    for path_, printed in truth.fields.items():
        before, after = (record.get(path_) for record in records)
        if before is None or after is None:
            continue
        was_right, is_right = (_same(item.field.text, printed) for item in (before, after))
        is_closed = (truth.form_type, before.name) in closed
        counts["fields"] += 1
        counts["wrong"] += not was_right
        counts["closed"] += is_closed
        counts["closed_wrong"] += is_closed and not was_right
        if read_as(after.field.reasons) is not None:
            kind = "fixed" if is_right else "harmed" if was_right else "still_wrong"
            counts[kind] += 1
    return Repaired(**counts)


def measure_samples(stations: Stations, forms: int) -> Mapping[str, Repaired]:
    """Each sample by a lexicon of the other ones."""
    found: dict[str, Repaired] = {}
    files = list(samples_by_level(LEVELS))
    for own in sorted({truth for _, _, truth in files}):
        others = sorted({truth for _, _, truth in files} - {own})
        learnt = learn_from_others(forms, stations.declarations, others)
        for level, path, truth in files:
            if truth == own:
                counted = measure_file(path, read_truth(truth), stations, learnt)
                found[level] = found.get(level, Repaired()) + counted
    return found


def measure_synthetic(stations: Stations, forms: int, per_level: int) -> Mapping[str, Repaired]:
    learnt = learn_from_others(forms, stations.declarations, ())
    kinds = form_kinds()[: len(stations.declarations)]
    found: dict[str, Repaired] = {level: Repaired() for level in LEVELS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(per_level):
            for level in LEVELS:
                form = UnseenForm(MEASURED_FROM + number, level, kinds[number % len(kinds)])
                printed, path = print_form(form), Path(folder) / "form.pdf"
                write_form_scan(form, printed, path)
                truth = printed_truth(printed, form)
                found[level] += measure_file(path, truth, stations, learnt)
    return found


def figures(measured: Mapping[str, Repaired]) -> str:
    columns = (
        *("level", "fields", "wrong", "with a lexicon", "of these wrong"),
        *("repaired rightly", "made wrong", "wrong before and after"),
    )
    rows = tuple((level, *map(str, _counts(one))) for level, one in measured.items())
    return figures_to_markdown(Figures(columns, rows))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("benchmarks.lexicon", description=__doc__)
    parser.add_argument("--per-level", type=int, default=6, help="synthetic forms at each level")
    parser.add_argument("--learnt-from", type=int, default=80, help="documents to learn from")
    parser.add_argument("--samples", action="store_true", help="the samples, too")
    given = parser.parse_args(arguments)
    stations = build_stations(threads=1)
    print(figures(measure_synthetic(stations, given.learnt_from, given.per_level)))
    if given.samples:
        print(figures(measure_samples(stations, given.learnt_from)))
    return 0


def _counts(one: Repaired) -> tuple[int, ...]:
    return (
        *(one.fields, one.wrong, one.closed, one.closed_wrong),
        *(one.fixed, one.harmed, one.still_wrong),
    )


def _same(read: str, printed: str) -> bool:
    return compact_text(read) == compact_text(printed)


if __name__ == "__main__":
    raise SystemExit(main())
