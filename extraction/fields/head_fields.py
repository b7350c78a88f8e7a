"""Fields in the lines around the tables: the title, and what stands near it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from extraction.declarations import FieldDeclaration, FormDeclaration
from extraction.fields.drafts import FieldDraft, words_source
from extraction.fields.key_match import comparable, part_distance
from extraction.fields.label_evidence import Labelled, find_label_evidence
from extraction.fields.printed_lines import PrintedLine
from extraction.normalise import plain, text_to_value
from extraction.values import Word

_SLIPS = 0.16
"""Share of a title's characters that may be misread."""
_LONGEST_TITLE = 48
_LONGEST_TAIL = 12
_LONGEST_FRAME = 8
_SURE_LABEL = 0.7


def find_outside_field(
    item: FieldDeclaration,
    declaration: FormDeclaration,
    lines: Sequence[PrintedLine],
    labelled: Labelled,
) -> FieldDraft | None:
    """The draft of a field outside the tables; None where no line prints it."""
    title = find_title(declaration, lines, labelled)
    if item.is_title:
        if title is None:
            return None
        line, similarity = title
        return _line_draft(item, line, line.text, line.words, (similarity, labelled))
    if item.pattern is None:
        return _find_by_label(item, lines, labelled)
    return _find_by_pattern(item, lines, None if title is None else title[0], labelled)


def title_similarity(declaration: FormDeclaration, text: str) -> float:
    """0..1: how much of ``text`` reads like a title of the form; 0 with too many slips."""
    nearness = title_nearness(declaration, text)
    return nearness if nearness >= 1.0 - _SLIPS - 0.05 else 0.0


def title_nearness(declaration: FormDeclaration, text: str) -> float:
    """0..1: the likeness of ``text`` to the nearest title, prefixes allowed.

    0 for a line that says another form's title or is too long to be one.
    """
    read = comparable(text)
    if not read or len(read) > _LONGEST_TITLE:
        return 0.0
    if says_other_title(declaration, text):
        return 0.0
    best = 0.0
    for declared in declaration.titles:
        pattern = comparable(declared)
        if 2 * len(set(pattern) & set(read)) < len(set(pattern)):
            continue
        distance, start, end = part_distance(pattern, read)
        if len(read) - end <= _LONGEST_TAIL:
            # Between titles that are parts of each other, the longer one explains more.
            beside = start + len(read) - end
            best = max(best, 1.0 - distance / len(pattern) - 0.002 * beside)
    return best


def says_other_title(declaration: FormDeclaration, text: str, slips: float = 0.0) -> bool:
    """Whether the line says the title of another form, with that share of it misread."""
    read = comparable(text)
    others = map(comparable, declaration.other_titles)
    return any(part_distance(other, read)[0] <= slips * len(other) for other in others)


def find_title(
    declaration: FormDeclaration, lines: Sequence[PrintedLine], labelled: Labelled
) -> tuple[PrintedLine, float] | None:
    """The line that reads like a title of the form, with its similarity."""
    label = next((item.name for item in declaration.fields if item.is_title), "")
    scored = []
    for line in lines:
        similarity = title_similarity(declaration, line.text)
        evidence = find_label_evidence(line.words, labelled, label)
        if similarity > 0 or evidence.probability > _SURE_LABEL:
            scored.append((2.0 * similarity + evidence.probability, similarity, line))
    if not scored:
        return None
    _, similarity, line = max(scored, key=lambda item: item[0])
    patterns = [
        re.compile(item.pattern)
        for item in declaration.fields
        if item.outside and item.pattern is not None
    ]
    others = [
        other
        for other in lines
        if other is line or not any(_is_whole(pattern, other) for pattern in patterns)
    ]
    return _whole_title(line, others, label, labelled), similarity


def _is_whole(pattern: re.Pattern[str], line: PrintedLine) -> bool:
    """The line prints little but what ``pattern`` looks for."""
    text = plain(line.text)
    found = pattern.search(text)
    return found is not None and len(text) - len(found[1]) <= _LONGEST_FRAME


def _whole_title(
    line: PrintedLine, lines: Sequence[PrintedLine], label: str, labelled: Labelled
) -> PrintedLine:
    """The title with the lines next to it that bear its label, too: it runs over two."""
    if line.cell is not None:
        return line
    loose = [other for other in lines if other.cell is None and other.page == line.page]
    at = loose.index(line)
    start, stop = at, at + 1
    while start > 0 and _is_titled(loose[start - 1], line, label, labelled):
        start -= 1
    while stop < len(loose) and _is_titled(loose[stop], line, label, labelled):
        stop += 1
    return PrintedLine(tuple(word for part in loose[start:stop] for word in part.words))


def _is_titled(line: PrintedLine, title: PrintedLine, label: str, labelled: Labelled) -> bool:
    height = max(word.box.height for word in title.words)
    gap = max(
        min(word.box.top for word in line.words) - max(w.box.bottom for w in title.words),
        min(word.box.top for word in title.words) - max(w.box.bottom for w in line.words),
    )
    evidence = find_label_evidence(line.words, labelled, label)
    return evidence.probability > _SURE_LABEL and gap < 1.5 * height


def _find_by_label(
    item: FieldDeclaration, lines: Sequence[PrintedLine], labelled: Labelled
) -> FieldDraft | None:
    words = [
        (find_label_evidence((word,), labelled, item.name).probability, word)
        for line in lines
        for word in line.words
    ]
    sure = [word for probability, word in words if probability > _SURE_LABEL]
    if not sure:
        return None
    line = PrintedLine(tuple(sure))
    return _line_draft(item, line, line.text, line.words, (0.0, labelled))


def _find_by_pattern(
    item: FieldDeclaration,
    lines: Sequence[PrintedLine],
    title: PrintedLine | None,
    labelled: Labelled,
) -> FieldDraft | None:
    """The line that holds the pattern, by label, nearness to the title, then order."""
    pattern = re.compile(item.pattern or "()")
    best: tuple[float, PrintedLine, str] | None = None
    for number, line in enumerate(lines):
        found = pattern.search(plain(line.text))
        if found is None:
            continue
        evidence = find_label_evidence(line.words, labelled, item.name)
        score = max(-3.0, evidence.log_odds) + _nearness(line, title) - 0.01 * number
        if title is not None and set(line.words) <= set(title.words):
            score -= 1.0
        if best is None or score > best[0]:
            best = (score, line, found[1])
    if best is None:
        return None
    _, line, text = best
    words = tuple(w for w in line.words if text in plain(w.text)) or line.words
    return _line_draft(item, line, text, words, (1.0, labelled))


def _nearness(line: PrintedLine, title: PrintedLine | None) -> float:
    """2 beside the title, falling to 0 at six title heights from it."""
    if title is None or title.page != line.page:
        return 0.0
    height = max(word.box.height for word in title.words)
    away = abs(line.words[0].box.center[1] - title.words[0].box.center[1]) / max(height, 1.0)
    return max(0.0, 2.0 - away / 3.0)


def _line_draft(
    item: FieldDeclaration,
    line: PrintedLine,
    text: str,
    words: tuple[Word, ...],
    evidence: tuple[float, Labelled],
) -> FieldDraft:
    similarity, labelled = evidence
    source = words_source(words)
    quality = 1.0
    if line.view is not None and line.cell is not None:
        quality = line.cell.quality
        source = replace(source, table=line.view.index, row=line.cell.row, column=line.cell.column)
    return FieldDraft(
        text=text,
        value=text_to_value(text, item.kind, item.choices),
        source=source,
        words=words,
        key_match=similarity,
        label=find_label_evidence(words, labelled, item.name),
        quality=quality,
    )
