from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from extraction.errors import ModelError
from models.training_set import (
    FORMS_FILE,
    MISSING,
    CorrectedForm,
    Replay,
    SplitSettings,
    extend_labels,
    hold_layouts,
    make_training_set,
    read_training_set,
    write_training_set,
)
from tests.models.examples import make_form

LABELS = ("other", "key", "name")


def form(number: int, layout: str = "kind/a", label: str = "name") -> CorrectedForm:
    made = make_form([("项目", "key"), (str(number), label)])
    return CorrectedForm(f"doc-{number}", replace(made, family=layout, source="corrected"))


def test_the_digest_is_of_what_is_in_it_in_whatever_order() -> None:
    forms = [form(number) for number in range(5)]
    digest = make_training_set(forms, LABELS).digest
    assert make_training_set(reversed(forms), LABELS).digest == digest
    others = [
        make_training_set(forms[1:], LABELS),
        make_training_set([*forms[1:], form(0, label=MISSING)], LABELS),
        make_training_set(forms, (*LABELS, "more"), ["kind"]),
        make_training_set(forms, LABELS, ["kind/a"]),
        make_training_set(forms, LABELS, (), Replay(forms=7)),
    ]
    assert len({digest, *(other.digest for other in others)}) == 1 + len(others)


def test_more_data_moves_no_document_over() -> None:
    few = make_training_set([form(n, f"kind/{n % 7}") for n in range(40)], LABELS)
    many = make_training_set([form(n, f"kind/{n % 7}") for n in range(400)], LABELS)
    before = {one.document_id: few.part_of(one) for one in few.forms}
    after = {one.document_id: many.part_of(one) for one in many.forms}
    assert before == {name: after[name] for name in before}
    assert len(many.part("test")) / 400 == pytest.approx(SplitSettings().documents, abs=0.07)


def test_a_layout_stays_where_it_was_put_when_it_was_first_seen() -> None:
    first = hold_layouts((f"kind/{n}" for n in range(60)), {})
    second = hold_layouts((f"kind/{n}" for n in range(300)), first)
    assert {layout: second[layout] for layout in first} == first
    assert 0.04 < sum(second.values()) / len(second) < 0.2


def test_the_first_layouts_of_a_form_type_are_all_learnt() -> None:
    for start in range(0, 400, 9):
        held = hold_layouts((f"new/{n}" for n in range(start, start + 9)), {})
        assert not any(held.values())


def test_a_layout_is_held_out_with_all_its_documents() -> None:
    forms = [form(number, f"kind/{number % 2}") for number in range(40)]
    data = make_training_set(forms, LABELS, ["kind/1", "kind/nowhere"])
    assert data.held_layouts == ("kind/1",)
    assert {one.form.family for one in data.part("test_layout")} == {"kind/1"}
    assert {one.form.family for one in data.part("train", "test")} == {"kind/0"}


def test_a_version_of_the_data_survives_its_folder(tmp_path: Path) -> None:
    data = make_training_set([form(n) for n in range(4)], LABELS, (), Replay(3, 4, 5))
    path = write_training_set(tmp_path, data)
    assert path.name == data.digest[:12]
    assert read_training_set(path) == data
    stamp = (path / FORMS_FILE).stat().st_mtime_ns
    write_training_set(tmp_path, data)
    assert (path / FORMS_FILE).stat().st_mtime_ns == stamp


def test_changed_data_is_refused(tmp_path: Path) -> None:
    path = write_training_set(tmp_path, make_training_set([form(1)], LABELS))
    stored = gzip.decompress((path / FORMS_FILE).read_bytes()).replace(b'"name"', b'"key"')
    (path / FORMS_FILE).write_bytes(gzip.compress(stored))
    with pytest.raises(ModelError, match="was changed"):
        read_training_set(path)
    with pytest.raises(ModelError, match="no version of training data"):
        read_training_set(tmp_path / "nowhere")


def test_new_labels_come_after_those_that_are_known() -> None:
    assert extend_labels(("b", "a"), ("c", "a", MISSING), ("d",)) == ("b", "a", "c", "d")
