"""Tell the type of a form from its title, its headers and keys, and the labels of words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from extraction.declarations import FormDeclaration
from extraction.fields.groups import find_headers
from extraction.fields.head_fields import says_other_title, title_nearness, title_similarity
from extraction.fields.key_match import comparable, declared_keys
from extraction.fields.label_evidence import Labelled
from extraction.fields.printed_lines import PrintedLine, find_head_cells, find_lines
from extraction.fields.table_view import TableView, view_tables
from extraction.values import Grid, Word

_SURE_LABEL = 0.5
_LIKE_A_TITLE = ("表", "单", "书", "卡", "册")
_SHORTEST_TITLE = 4
_TITLE_LINES = 6

# A form's own title outweighs all else; without one, nearly all its headers must stand;
# against another form's title nothing helps.
_PRIOR = -6.0
_TITLE_WEIGHT = 6.0
_KEY_WEIGHT = 3.0
_HEADER_WEIGHT = 4.0
_LABEL_WEIGHT = 1.5
_OTHER_TITLE = -9.0
_OTHER_SLIPS = 0.25
"""Share of another form's title that may be misread; one of four characters."""
_NEAR_TITLE = 0.65
"""A title as near to the form's own as this is that one misread, as far as it tells at all."""
_ACCEPTED = 0.5


@dataclass(frozen=True, slots=True)
class TypeEvidence:
    """What speaks for one form type; all numbers are shares, 0..1.

    ``other_title`` is a title that is not this form's, ``other_likeness`` how near it comes:
    a fax may lose characters of the form's own title or give it others.
    """

    declaration: FormDeclaration
    title: float
    title_text: str
    keys: float
    headers: float
    labels: float
    other_title: str | None
    other_likeness: float

    @property
    def probability(self) -> float:
        score = (
            _PRIOR
            + _TITLE_WEIGHT * self.title
            + _KEY_WEIGHT * self.keys
            + _HEADER_WEIGHT * self.headers
            + _LABEL_WEIGHT * self.labels
            + (_OTHER_TITLE * self.otherness if self.other_title else 0.0)
        )
        return 1.0 / (1.0 + math.exp(-score))

    @property
    def otherness(self) -> float:
        return max(0.0, 1.0 - self.other_likeness / _NEAR_TITLE)

    def reasons(self) -> tuple[str, ...]:
        """The evidence in words, for whoever asks why."""
        title = (
            f"标题“{self.title_text}”与“{self.declaration.title}”相符（{self.title:.2f}）"
            if self.title
            else f"标题为“{self.other_title}”，不是“{self.declaration.title}”"
            if self.other_title is not None
            else f"未见“{self.declaration.title}”的标题"
        )
        shares = (
            f"栏目名称出现{self.keys:.0%}",
            f"表头出现{self.headers:.0%}",
            f"必填项有标注{self.labels:.0%}",
        )
        return (title, *shares)


def find_form_type(
    declarations: Sequence[FormDeclaration],
    grids: Sequence[Grid],
    loose: Sequence[Word],
    labelled: Labelled,
) -> tuple[FormDeclaration | None, float, tuple[str, ...]]:
    """The declared type of a form or None, its probability and the reasons.

    With None, probability and reasons are those of the type that came nearest.
    """
    found = [find_type_evidence(item, grids, loose, labelled) for item in declarations]
    if not found:
        return None, 0.0, ()
    best = max(found, key=lambda evidence: evidence.probability)
    accepted = best.probability >= _ACCEPTED
    return best.declaration if accepted else None, best.probability, best.reasons()


def find_type_evidence(
    declaration: FormDeclaration,
    grids: Sequence[Grid],
    loose: Sequence[Word],
    labelled: Labelled,
) -> TypeEvidence:
    views = view_tables(grids, declared_keys(declaration))
    lines = (*find_lines(loose), *find_head_cells(views))
    similarity, text = max(
        ((title_similarity(declaration, line.text), line.text) for line in lines),
        key=lambda scored: scored[0],
        default=(0.0, ""),
    )
    other, likeness = (None, 0.0) if similarity else _other_title(declaration, lines)
    return TypeEvidence(
        declaration=declaration,
        title=similarity,
        title_text=text,
        keys=_share_of_keys(declaration, views),
        headers=_share_of_headers(declaration, views),
        labels=_share_of_labels(declaration, labelled),
        other_title=other,
        other_likeness=likeness,
    )


def _share_of_keys(declaration: FormDeclaration, views: Sequence[TableView]) -> float:
    """Share of the fields with printed keys whose key stands in a cell."""
    keyed = [item.name for item in declaration.fields if item.keys and not item.outside]
    seen = {
        match.target
        for view in views
        for matches in view.matches.values()
        for match in matches
        if match.similarity == 1.0 or len(matches) == 1
    }
    return sum(name in seen for name in keyed) / len(keyed) if keyed else 0.0


def _share_of_headers(declaration: FormDeclaration, views: Sequence[TableView]) -> float:
    """Mean over the groups: share of its columns whose header stands in its header row."""
    if not declaration.groups:
        return 0.0
    shares = dict.fromkeys((group.name for group in declaration.groups), 0.0)
    for view in views:
        for block in find_headers(declaration, view):
            targets = [f"{block.group.name}.{column.name}" for column in block.group.columns]
            cells = [
                cell for row in block.rows for cell in view.covering(row, range(view.grid.columns))
            ]
            seen = sum(any(view.similarity(c, t) > 0 for c in cells) for t in targets)
            shares[block.group.name] = max(shares[block.group.name], seen / len(targets))
    counted = [
        share for name, share in shares.items() if share or declaration.group(name).pairs is None
    ]
    return sum(counted) / len(counted) if counted else 0.0


def _share_of_labels(declaration: FormDeclaration, labelled: Labelled) -> float:
    """Share of what the form requires of which some word bears the label."""
    wanted = {item.name for item in declaration.fields if item.required}
    wanted |= {
        f"{group.name}.{column.name}"
        for group in declaration.groups
        for column in group.columns
        if column.required
    }
    seen = {item.label for item in labelled.values() if item.probability >= _SURE_LABEL}
    return len(wanted & seen) / len(wanted) if wanted else 0.0


def _other_title(
    declaration: FormDeclaration, lines: Sequence[PrintedLine]
) -> tuple[str | None, float]:
    """Of the upper lines that read like the title of some form one that says another's, else
    the one nearest to the declared titles, and how near: a mark such as 附表1 stands above a
    title."""
    texts = [
        line.text
        for line in lines[:_TITLE_LINES]
        if len(comparable(line.text)) >= _SHORTEST_TITLE
        and comparable(line.text).endswith(_LIKE_A_TITLE)
    ]
    said = [text for text in texts if says_other_title(declaration, text, _OTHER_SLIPS)]
    if said:
        return max(said, key=lambda text: title_nearness(declaration, text)), 0.0
    near = ((text, title_nearness(declaration, text)) for text in texts)
    return max(near, key=lambda found: found[1], default=(None, 0.0))
