"""Fields before they are checked and trusted: text, place and the evidence for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from extraction.declarations import GroupDeclaration
from extraction.fields.label_evidence import LabelEvidence, Labelled, find_label_evidence
from extraction.fields.table_view import CellText, TableView, cell_text
from extraction.normalise import Value, text_to_value
from extraction.values import Cell, Source, Word, boxes_union


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """A field as it was found. ``source`` is None where the form does not print it.

    ``key_match`` is the similarity of its printed key or header, 0 where none was found;
    ``quality`` is that of its cell's rulings, 1 outside tables.
    """

    text: str = ""
    value: Value = None
    source: Source | None = None
    words: tuple[Word, ...] = ()
    key_match: float = 0.0
    label: LabelEvidence = field(default_factory=LabelEvidence)
    quality: float = 1.0


Row = Mapping[str, FieldDraft]


def path_to_name(path: str) -> str:
    """The declared name: ``items.amount`` of ``items[2].amount``, else the path itself."""
    group, bracket, rest = path.partition("[")
    return group + rest.partition("]")[2] if bracket else path


@dataclass(frozen=True, slots=True)
class Drafts:
    """All fields and groups of one form, each declared field and column present."""

    fields: Mapping[str, FieldDraft]
    groups: Mapping[str, tuple[Row, ...]]

    def paths(self) -> Iterator[tuple[str, FieldDraft]]:
        """Each draft with its path: ``name`` or ``group[row].column``, rows from 0."""
        yield from self.fields.items()
        for group, rows in self.groups.items():
            for number, row in enumerate(rows):
                for column, draft in row.items():
                    yield f"{group}[{number}].{column}", draft


def group_draft(
    view: TableView,
    group: GroupDeclaration,
    name: str,
    cell: Cell,
    labelled: Labelled,
    header: float,
) -> FieldDraft:
    """The draft of one cell of a group row; ``header`` is the match of its header."""
    column = group.column(name)
    printed = cell_text(view, cell)
    return FieldDraft(
        text=printed.text,
        value=text_to_value(printed.text, column.kind, column.choices),
        source=cell_source(view, printed),
        words=printed.words,
        key_match=header,
        label=find_label_evidence(printed.words, labelled, f"{group.name}.{name}"),
        quality=min(part.quality for part in printed.cells),
    )


def cell_source(view: TableView, printed: CellText) -> Source:
    """Where the text of a cell stands: the first of the cells that print it."""
    first = printed.cells[0]
    return Source(printed.page, printed.box, view.index, first.row, first.column)


def words_source(words: tuple[Word, ...]) -> Source:
    """Where loose words stand; those on the first one's page count."""
    page = words[0].page
    return Source(page, boxes_union(word.box for word in words if word.page == page))
