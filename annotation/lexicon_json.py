"""What was learnt, to JSON and back, as a row of the database keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from annotation.lexicon import CountedConfusion, Learnt, LearntEntry
from extraction.errors import InputError
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_number, as_object
from extraction.lexicon import Confusions, Lexicon, Vocabulary


def learnt_to_json(learnt: Learnt) -> JsonObject:
    return {
        "entries": [_entry_to_json(entry) for entry in learnt.entries],
        "confusions": [_confusion_to_json(item) for item in learnt.confusions],
        "unseen": [[v.form_type, v.name, v.unseen] for v in learnt.lexicon.vocabularies],
    }


def learnt_from_json(stored: Mapping[str, Json], version: str = "") -> Learnt:
    """What ``learnt_to_json`` wrote; InputError where it is another thing."""
    try:
        entries = tuple(_entry(as_object(item)) for item in as_list(stored["entries"]))
        confusions = tuple(_confusion(as_object(item)) for item in as_list(stored["confusions"]))
        unseen = [as_list(item) for item in as_list(stored["unseen"])]
        vocabularies = tuple(
            _vocabulary(entries, str(form_type), str(name), as_number(share))
            for form_type, name, share in unseen
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"is no lexicon: {error!r}; learn it anew") from error
    counts = Confusions({(item.printed, item.read): item.times for item in confusions if item.used})
    return Learnt(entries, confusions, Lexicon(vocabularies, counts, version))


def _vocabulary(
    entries: tuple[LearntEntry, ...], form_type: str, name: str, unseen: float
) -> Vocabulary:
    used = {
        entry.text: entry.documents
        for entry in entries
        if entry.used and (entry.form_type, entry.name) == (form_type, name)
    }
    return Vocabulary(form_type, name, used, unseen)


def _entry_to_json(entry: LearntEntry) -> JsonObject:
    return {
        "form_type": entry.form_type,
        "name": entry.name,
        "text": entry.text,
        "documents": entry.documents,
        "people": entry.people,
        "declared": entry.declared,
        "confirmed": entry.confirmed,
        "undone": entry.undone,
        "removed": entry.removed,
        "used": entry.used,
    }


def _entry(stored: JsonObject) -> LearntEntry:
    return LearntEntry(
        form_type=str(stored["form_type"]),
        name=str(stored["name"]),
        text=str(stored["text"]),
        documents=as_integer(stored["documents"]),
        people=as_integer(stored["people"]),
        declared=bool(stored["declared"]),
        confirmed=as_integer(stored["confirmed"]),
        undone=as_integer(stored["undone"]),
        removed=bool(stored["removed"]),
        used=bool(stored["used"]),
    )


def _confusion_to_json(item: CountedConfusion) -> JsonObject:
    return {
        "printed": item.printed,
        "read": item.read,
        "times": item.times,
        "documents": item.documents,
        "people": item.people,
        "used": item.used,
    }


def _confusion(stored: JsonObject) -> CountedConfusion:
    return CountedConfusion(
        printed=str(stored["printed"]),
        read=str(stored["read"]),
        times=as_integer(stored["times"]),
        documents=as_integer(stored["documents"]),
        people=as_integer(stored["people"]),
        used=bool(stored["used"]),
    )
