"""Every text is there in every language, and every text is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.errors import StudioError
from archive.audit import Action
from archive.callbacks import CallbackEvent
from archive.errors import BlobMissing
from archive.history import EventKind
from archive.people import Right
from archive.reasons import (
    DELETED_IN_STUDIO,
    NO_PAGE,
    NOTHING_READ,
    Reason,
    error_to_reason,
    training_died,
    worker_died,
)
from archive.states import DocumentState
from archive.tables import DeliveryState, RevisionKind, Role
from extraction.confidence import FORM_TYPE_UNSURE, LOW_CONFIDENCE, MISSING_REQUIRED
from extraction.declarations import load_declarations
from extraction.errors import (
    DeclarationError,
    EngineError,
    FormloopError,
    InputError,
    ModelError,
    TooLarge,
)
from service.web import languages
from service.web.document_list import SORTS
from service.web.languages import CODES, Language, find_language
from service.web.rule_terms import check_to_terms
from service.web.words import failure_in_words
from workers.training import NothingCorrected, TrainingFailed

WEB = Path(languages.__file__).parent
NAMES = re.compile(r"\{(\w*)\}")
LITERAL = re.compile(r"""(?:\bt|\btext|text_or|\.get)\(\s*f?["'`]([a-z_]+(?:\.[\w-]+)+)["'`]""")
BUILT = re.compile(r"""["'`]((?:[a-z_]+\.)+[a-z_]*)(?:["']\s*~|\$?\{)""")


def _sources(*patterns: str) -> str:
    return "\n".join(
        file.read_text("utf-8") for pattern in patterns for file in sorted(WEB.rglob(pattern))
    )


def test_all_languages_have_the_same_texts() -> None:
    first, *others = (find_language(code) for code in CODES)
    for other in others:
        assert list(other.texts) == list(first.texts)


@pytest.mark.parametrize("code", CODES)
def test_no_text_is_blank_and_places_agree(code: str) -> None:
    first, language = find_language(CODES[0]), find_language(code)
    for key, text in language.texts.items():
        assert text.strip(), key
        assert set(NAMES.findall(text)) == set(NAMES.findall(first.texts[key])), key


def test_english_texts_hold_no_chinese_and_chinese_ones_are_translated() -> None:
    chinese, english = find_language("zh"), find_language("en")
    same = {"formloop"}
    for key, text in english.texts.items():
        assert not re.search(r"[\u4e00-\u9fff]", text), key
        if chinese.texts[key] == text:
            same.discard(text)
            assert not re.search(r"[A-Za-z]{2}", NAMES.sub("", text)) or text == "formloop", key


def test_every_text_that_a_page_asks_for_exists() -> None:
    texts = find_language("zh").texts
    asked = set(LITERAL.findall(_sources("*.html", "*.py")))
    asked |= {f"js.{key}" for key in LITERAL.findall(_sources("*.js"))}
    assert len(asked) > 200
    assert sorted(key for key in asked if key not in texts) == []


def test_every_text_is_asked_for() -> None:
    sources = _sources("*.html", "*.py", "*.js")
    built = {
        *BUILT.findall(sources),
        "said.",
        "event.",
        "failure.",
        "rule_kind.",
        "state.",
    }
    for key in find_language("zh").texts:
        plain = key.removeprefix("js.")
        is_literal = any(quote + plain + quote in sources for quote in "\"'`") or key in sources
        assert is_literal or any(
            plain.startswith(prefix) or key.startswith(prefix) for prefix in built
        ), key


@pytest.mark.parametrize("code", CODES)
def test_every_value_of_the_archive_has_words(code: str) -> None:
    texts = find_language(code).texts
    wanted = [
        *(f"state.{state}" for state in DocumentState),
        *(f"role.{role}" for role in Role),
        *(f"role.{role}.may" for role in Role),
        *(f"right.{right}" for right in Right),
        *(f"action.{action}" for action in Action),
        *(f"event.{kind}" for kind in EventKind),
        *(f"delivery.{state}" for state in DeliveryState),
        *(f"revision.{kind}" for kind in RevisionKind),
        *(f"callback_event.{event}" for event in CallbackEvent),
        *(f"sort.{sort}" for sort in SORTS),
        *(f"reason.{name}" for name in (LOW_CONFIDENCE, MISSING_REQUIRED, FORM_TYPE_UNSURE)),
    ]
    assert [key for key in wanted if key not in texts] == []


def _kinds(error: type[FormloopError]) -> Iterator[type[FormloopError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _kinds(kind)


REASONS = (
    *(
        error_to_reason(error("said in English"))
        for kind in (
            InputError,
            EngineError,
            ModelError,
            DeclarationError,
            BlobMissing,
            StudioError,
        )
        for error in _kinds(kind)
        if error.__module__ in ("extraction.errors", "archive.errors", "annotation.errors")
    ),
    *(
        error_to_reason(TooLarge("too large", facts={fact: 5}))
        for fact in ("pages", "million_pixels", "megabytes", "gigabytes", "files", "minutes")
    ),
    error_to_reason(ValueError("oh")),
    error_to_reason(TrainingFailed("torn", facts={"error": "torn"})),
    error_to_reason(NothingCorrected("said in English")),
    worker_died(3),
    training_died(4),
    NO_PAGE,
    NOTHING_READ,
    DELETED_IN_STUDIO,
    *(Reason(kind, "torn", {"error": "torn"}) for kind in ("task_refused", "task_unshowable")),
)


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.category)
def test_every_reason_for_a_failure_is_said_in_both_languages(reason: Reason) -> None:
    chinese, english = (failure_in_words(reason, find_language(code)) for code in ("zh", "en"))
    assert re.search(r"[\u4e00-\u9fff]", chinese) and "said in English" not in chinese
    assert not re.search(r"[\u4e00-\u9fff]", english)
    for fact in reason.facts.values():
        assert str(fact) in chinese and str(fact) in english


def test_a_reason_without_a_known_category_stays_as_it_is() -> None:
    for reason in (Reason("", "as it was"), Reason("of_another_version", "as it was")):
        assert failure_in_words(reason, find_language("zh")) == "as it was"
    lost = Reason("worker_died", "its worker ended", {})
    assert "?" in failure_in_words(lost, find_language("zh"))


@pytest.mark.parametrize("code", CODES)
def test_every_declared_rule_has_a_sentence(code: str) -> None:
    language = find_language(code)
    said = [
        language.text(f"rule_kind.{check.kind}", **check_to_terms(declaration, check))
        for declaration in load_declarations()
        for check in declaration.checks
    ]
    assert said
    assert not any("{" in sentence for sentence in said)


def test_one_and_many() -> None:
    language = Language("en", "en", {"files": "{count} file|{count} files", "bar": "a|b"})
    assert language.text("files", count=1) == "1 file"
    assert language.text("files", count=0) == "0 files"
    assert language.text("bar") == "a|b"


def test_a_missing_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        find_language("zh").text("no.such.text")
    with pytest.raises(FileNotFoundError):
        find_language("xx")
