"""What a changed declaration means for a project that people already work in.

Label Studio refuses a configuration without a label that annotations use, and so such a label
stays, grey and at the end, with the declared name that it stood for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from annotation.labels import NAME_ATTRIBUTE, find_labels, labelling_config
from extraction.declarations import FormDeclaration
from extraction.errors import InputError


@dataclass(frozen=True, slots=True)
class Migration:
    """``config`` is what to set; ``kept``, ``added``, ``retired`` and ``dropped`` are titles.

    Retired labels are no longer declared but stay, because annotations use them; ``reasons``
    say so, one line for each.
    """

    config: str
    kept: tuple[str, ...]
    added: tuple[str, ...]
    retired: tuple[str, ...]
    dropped: tuple[str, ...]
    reasons: tuple[str, ...]


def find_migration(
    existing: str, declaration: FormDeclaration, used: Mapping[str, int]
) -> Migration:
    """``existing`` is the project's present config, ``used`` how many boxes bear each label,
    by title. Nothing is lost: a label in use stays, whatever the declaration says now.

    InputError when ``existing`` is no XML.
    """
    before = config_to_names(existing)
    labels = {label.title: label.name for label in find_labels(declaration)}
    gone = {title: name for title, name in before.items() if title not in labels}
    in_use = {title for title, count in used.items() if count > 0 and title not in labels}
    retired = {title: before.get(title, "") for title in (*gone, *sorted(in_use - gone.keys()))}
    retired = {title: name for title, name in retired.items() if title in in_use}
    titles = {name: title for title, name in labels.items()}
    return Migration(
        config=labelling_config(declaration, retired),
        kept=tuple(title for title in labels if title in before),
        added=tuple(title for title in labels if title not in before),
        retired=tuple(retired),
        dropped=tuple(title for title in gone if title not in retired),
        reasons=tuple(
            _reason(title, name, used[title], titles.get(name)) for title, name in retired.items()
        ),
    )


def config_to_names(config: str) -> Mapping[str, str]:
    """Title → declared name of every label, retired ones too; the name is empty where the
    configuration does not say it. InputError for what is no XML."""
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise InputError(f"the project's labelling config is no XML: {error}") from error
    return {
        label.get("value", ""): label.get(NAME_ATTRIBUTE, "")
        for labels in root.iter("RectangleLabels")
        for label in labels.iter("Label")
    }


def _reason(title: str, name: str, count: int, now: str | None) -> str:
    boxes = "1 box bears" if count == 1 else f"{count} boxes bear"
    if now is not None:
        return f"label {title!r} is now called {now!r}, but {boxes} the old name: both stay"
    declared = f"{title!r} ({name})" if name else repr(title)
    return f"label {declared} is declared no more, but {boxes} it: it stays, marked as retired"
