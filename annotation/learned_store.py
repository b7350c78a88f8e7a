"""Learnt keys on disk, one JSON file for each form type: ``FOLDER/NAME.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from annotation.learned_keys import (
    LearnedKey,
    declaration_with_keys,
    keep_refusals,
    learned_from_json,
    learned_to_json,
)
from extraction.declarations import FormDeclaration
from extraction.errors import DeclarationError
from extraction.json_values import as_object

OWN_FOLDER = "learned"
"""Below the data folder."""


def read_learned(folder: Path, form_type: str) -> tuple[LearnedKey, ...]:
    """() where nothing was learnt; DeclarationError where the file is none."""
    path = folder / f"{form_type}.json"
    if not path.is_file():
        return ()
    try:
        return learned_from_json(as_object(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:
        raise DeclarationError(f"no learnt keys: {error}", name=str(path)) from error
    except DeclarationError as error:
        raise DeclarationError(str(error), name=str(path)) from error


def write_learned(folder: Path, form_type: str, learned: Iterable[LearnedKey]) -> None:
    """Replace what was learnt; what was refused before stays refused."""
    keys = keep_refusals(learned, read_learned(folder, form_type))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{form_type}.json"
    part = path.with_suffix(".part")
    text = json.dumps(learned_to_json(keys), ensure_ascii=False, indent=1)
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def declarations_with_keys(
    declarations: Sequence[FormDeclaration], folder: Path
) -> tuple[FormDeclaration, ...]:
    """Each with the keys that were learnt for it."""
    return tuple(
        declaration_with_keys(item, read_learned(folder, item.name)) for item in declarations
    )
