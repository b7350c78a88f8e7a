"""What each answer says of each path: the difference to what was asked, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from annotation.matching import Matching, match_regions
from annotation.paths import Place, name_to_place, path_to_place, record_fields
from annotation.rows import DrawnBox, place_drawn
from annotation.values import (
    Answer,
    AnsweredRegion,
    AskedRegion,
    Correction,
    Mark,
    ReviewTask,
    Stand,
    Verdict,
)
from extraction.declarations import FormDeclaration, field_paths
from extraction.values import Box, Field, Record, Word, boxes_union, words_text

MOVED_PX = 2.0
"""A side that moved less is where it was: percent are rounded on their way."""


@dataclass(frozen=True, slots=True)
class _Given:
    """One answer beside what was asked; ``removed`` are its struck-out rows by group."""

    answer: Answer
    matching: Matching
    removed: Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was shown and the record behind it; ``names`` are all that a box can be given."""

    task: ReviewTask
    record: Record
    fields: Mapping[str, Field]
    names: frozenset[str]
    audited: frozenset[str]

    def stand(self, path: str) -> Stand | None:
        """Where the record has the field; None where it has none."""
        field = self.fields.get(path)
        if field is None or (field.source is None and not field.text):
            return None
        if field.source is None:
            return Stand(field.text, None, None)
        return Stand(field.text, field.source.page, field.source.box)


def find_corrections(
    task: ReviewTask, base: Record, answers: Sequence[Answer], declaration: FormDeclaration
) -> tuple[Correction, ...]:
    """What ``answers``, each of another person, say of the paths of ``base``.

    One correction for each answer and path; those of a person that name the same path are
    joined to one. In the order of paths in the record, then of annotations.
    """
    shown = _to_shown(task, base, declaration)
    given = [_to_given(task, base, answer) for answer in answers]
    drawn = [
        _to_drawn_box(one, added)
        for one in given
        for added in _added(shown, one)
        if added.place.column is not None
    ]
    rows = place_drawn(drawn, base, declaration)
    found: list[Correction] = []
    for one in given:
        said = (*_asked(shown, one), *_drawn_corrections(shown, one, rows))
        # What is said of a row as a whole, or by drawing, goes before what was merely left.
        by_path = {item.path: item for item in (*said, *_removed_rows(shown, one))}
        found += by_path.values()
    order = {path: number for number, path in enumerate(shown.fields)}

    def place(item: Correction) -> tuple[int, tuple[str, int, str], int]:
        return order.get(item.path, len(order)), _path_key(item.path), item.annotation_id

    return tuple(sorted(found, key=place))


def _to_shown(task: ReviewTask, base: Record, declaration: FormDeclaration) -> _Shown:
    placed = tuple(record_fields(base))
    return _Shown(
        task=task,
        record=base,
        fields={item.path: item.field for item in placed},
        names=frozenset((*field_paths(declaration), *(item.name for item in placed))),
        audited=frozenset(path for region in task.regions if region.audit for path in region.paths),
    )


def _path_key(path: str) -> tuple[str, int, str]:
    place = path_to_place(path)
    return place.head, place.row or 0, place.column or ""


def _to_given(task: ReviewTask, base: Record, answer: Answer) -> _Given:
    pages = {index: page.number for index, page in enumerate(base.pages, start=1)}
    regions = [
        replace(region, page=pages.get(region.page, region.page)) for region in answer.regions or ()
    ]
    matching = match_regions(task.regions, regions)
    asked = {region.region_id: region for region in task.regions}
    removed: dict[str, set[int]] = {}
    for key, region in matching.answered.items():
        if Mark.NO_SUCH_ROW in region.marks:
            row = asked[key].row if region.row is None else region.row
            _strike(removed, asked[key].name, row)
    for region in matching.drawn:
        if Mark.NO_SUCH_ROW in region.marks:
            _strike(removed, region.name, region.row)
    return _Given(answer, matching, {group: frozenset(rows) for group, rows in removed.items()})


def _strike(removed: dict[str, set[int]], name: str, row: int | None) -> None:
    group, dot, _ = name.partition(".")
    if dot and row is not None:
        removed.setdefault(group, set()).add(row)


def _asked(shown: _Shown, given: _Given) -> Iterator[Correction]:
    """Of every path that was shown, and of those that were said to be missing."""
    for asked in shown.task.regions:
        region = given.matching.answered.get(asked.region_id)
        for path in asked.paths:
            yield _asked_correction(given.answer, asked, path, region)
    for path in shown.task.missing:
        # It was told to draw it if it is there.
        yield Correction(
            path, Verdict.CONFIRMED, None, None, *_signature(given.answer), audit=False
        )


def _asked_correction(
    answer: Answer, asked: AskedRegion, path: str, region: AnsweredRegion | None
) -> Correction:
    before = Stand(asked.text, asked.page, asked.box)

    def said(verdict: Verdict, after: Stand | None) -> Correction:
        printed_so = region is not None and Mark.PRINTED_SO in region.marks
        return Correction(
            path, verdict, before, after, *_signature(answer), asked.audit, printed_so=printed_so
        )

    if region is None:
        return said(Verdict.REMOVED, None)
    if _new_place(asked, region) is not None:
        return said(Verdict.RENAMED, None)
    text, moved = region.text.strip(), _is_moved(asked, region)
    after = Stand(text, region.page, region.box) if moved else replace(before, text=text)
    if Mark.ILLEGIBLE in region.marks:
        return said(Verdict.ILLEGIBLE, replace(after, text=""))
    if text != asked.text.strip():
        return said(Verdict.RETYPED, after)
    return said(Verdict.MOVED if moved else Verdict.CONFIRMED, replace(after, text=asked.text))


def _signature(answer: Answer) -> tuple[str, int, datetime]:
    return answer.author, answer.annotation_id, answer.updated_at


def _is_moved(asked: AskedRegion, region: AnsweredRegion) -> bool:
    sides = zip(asked.box, region.box, strict=True)
    return asked.page != region.page or any(abs(one - other) > MOVED_PX for one, other in sides)


def _new_place(asked: AskedRegion, region: AnsweredRegion) -> Place | None:
    """Where a box belongs that was given another field or row; None if it was not.

    A row of None is still to be found. The number that stood in the box before it came into
    another group says nothing about its row there.
    """
    name = region.name or asked.name
    place = name_to_place(name, region.row)
    if name == asked.name:
        rows = {path_to_place(path).row for path in asked.paths}
        if region.row is None or asked.row is None or region.row in rows:
            return None
        return place
    same_group = place.head == asked.name.partition(".")[0]
    row = region.row if same_group or region.row != asked.row else None
    if place.column is None:
        return place
    return Place(place.head, row, place.column)


@dataclass(frozen=True, slots=True)
class _Added:
    """A box that the answer gives to a place, and why it is there."""

    place: Place
    region: AnsweredRegion
    verdict: Verdict


def _added(shown: _Shown, given: _Given) -> Iterator[_Added]:
    """Boxes that were given another field, then drawn ones of declared fields."""
    for asked in shown.task.regions:
        region = given.matching.answered.get(asked.region_id)
        if region is not None and (place := _new_place(asked, region)) is not None:
            yield _Added(place, region, Verdict.RENAMED)
    for region in given.matching.drawn:
        if region.name in shown.names and Mark.NO_SUCH_ROW not in region.marks:
            head, _, column = region.name.partition(".")
            row = region.row if column else None
            yield _Added(Place(head, row, column or None), region, Verdict.DRAWN)


def _to_drawn_box(given: _Given, added: _Added) -> DrawnBox:
    place = added.place
    return DrawnBox(
        annotation_id=given.answer.annotation_id,
        region=added.region,
        group=place.head,
        column=place.column or "",
        row=place.row,
        removed=given.removed.get(place.head, frozenset()),
    )


def _drawn_corrections(
    shown: _Shown, given: _Given, rows: Mapping[DrawnBox, tuple[int, ...]]
) -> Iterator[Correction]:
    """Several boxes that one person gives to one path, also one that was asked about and
    left there, are read one after the other."""
    pieces: dict[str, list[_Added]] = {}
    kept = _kept_boxes(shown, given)
    for added in _added(shown, given):
        place = added.place
        if place.column is None:
            pieces.setdefault(place.path, []).append(added)
            continue
        for row in rows[_to_drawn_box(given, added)]:
            path = Place(place.head, row, place.column).path
            pieces.setdefault(path, []).append(added)
    for path, found in pieces.items():
        yield _joined(shown, given.answer, path, [*kept.get(path, ()), *found])


def _kept_boxes(shown: _Shown, given: _Given) -> Mapping[str, Sequence[_Added]]:
    """Path → its asked box, where that still is the path's."""
    kept = {}
    for asked in shown.task.regions:
        region = given.matching.answered.get(asked.region_id)
        if region is not None and _new_place(asked, region) is None:
            for path in asked.paths:
                kept[path] = [_Added(path_to_place(path), region, Verdict.RETYPED)]
    return kept


def _joined(shown: _Shown, answer: Answer, path: str, found: Sequence[_Added]) -> Correction:
    ordered = sorted(found, key=lambda item: _reading_order(item.region))
    regions = [item.region for item in ordered]
    marks = frozenset(mark for region in regions for mark in region.marks)
    page = regions[0].page
    box = boxes_union(region.box for region in regions if region.page == page)
    verdict = Verdict.ROW_ADDED if _is_new_row(shown, path) else ordered[0].verdict
    text = _join(region.text for region in regions)
    if Mark.ILLEGIBLE in marks:
        verdict, text = Verdict.ILLEGIBLE, ""
    return Correction(
        path,
        verdict,
        shown.stand(path),
        Stand(text, page, box),
        *_signature(answer),
        path in shown.audited,
        printed_so=Mark.PRINTED_SO in marks,
    )


def _reading_order(region: AnsweredRegion) -> tuple[int, float, float, str]:
    return region.page, region.box.top, region.box.x0, region.region_id


def _join(texts: Iterable[str]) -> str:
    nowhere = Box(0, 0, 0, 0)
    return words_text(Word(text.strip(), nowhere, 1.0, 1.0, 0) for text in texts if text.strip())


def _is_new_row(shown: _Shown, path: str) -> bool:
    place = path_to_place(path)
    return place.row is not None and place.row >= len(shown.record.groups.get(place.head, ()))


def _removed_rows(shown: _Shown, given: _Given) -> Iterator[Correction]:
    for group, numbers in given.removed.items():
        rows = shown.record.groups.get(group, ())
        for number in sorted(numbers):
            for column in rows[number] if number < len(rows) else ():
                path = Place(group, number, column).path
                yield Correction(
                    path,
                    Verdict.ROW_REMOVED,
                    shown.stand(path),
                    None,
                    *_signature(given.answer),
                    path in shown.audited,
                )
