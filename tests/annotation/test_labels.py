"""Labels and the labelling configuration of every shipped form type."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from annotation.labels import config_digest, find_labels, labelling_config
from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.task import record_to_task, task_to_label_studio
from extraction.declarations import FormDeclaration, field_paths, load_declarations
from extraction.json_values import as_list, as_object
from tests.annotation.small_form import DECLARATION, SEED, small_record
from tests.annotation.studio_sdk import label_interface

EVERY_FORM = pytest.mark.parametrize(
    "declaration", (*load_declarations(), DECLARATION), ids=lambda form: form.name
)


@EVERY_FORM
def test_every_declared_name_has_one_label_in_its_order(declaration: FormDeclaration) -> None:
    labels = find_labels(declaration)
    assert tuple(label.name for label in labels) == field_paths(declaration)
    for part in ("title", "hotkey"):
        values = [getattr(label, part) for label in labels if getattr(label, part)]
        assert len(set(values)) == len(values)


def test_columns_are_titled_with_their_group() -> None:
    titles = {label.name: label.title for label in find_labels(DECLARATION)}
    assert titles["buyer"] == "买方"
    assert titles["items.amount"] == "货物·数量"


def test_titles_that_would_be_the_same_are_told_apart() -> None:
    first, second, *_ = DECLARATION.fields
    twin = second.model_copy(update={"title": first.title})
    declaration = DECLARATION.model_copy(update={"fields": (first, twin)})
    titles = [label.title for label in find_labels(declaration)][:2]
    assert titles == ["买方（buyer）", "买方（signed）"]


def test_hints_say_the_kind_and_how_the_form_prints_it() -> None:
    hints = {label.name: label.hint for label in find_labels(DECLARATION)}
    assert hints["buyer"] == "文字；必填；表上写作：买方、购货单位"
    assert hints["items.amount"] == "数字"


@EVERY_FORM
def test_the_sdk_accepts_the_configuration(declaration: FormDeclaration) -> None:
    interface = label_interface(labelling_config(declaration))
    interface.validate()
    control = interface.get_control("label")
    assert set(control.labels) == {label.title for label in find_labels(declaration)}


def test_the_sdk_accepts_the_prediction() -> None:
    record = small_record()
    policy = ReviewPolicy(audit_documents=1.0, audit_fields=1.0)
    routing = route_record(record, DECLARATION, policy, SEED)
    task = record_to_task("task-1", routing.record, DECLARATION, routing)
    sent = task_to_label_studio(task, record, DECLARATION, ["http://a/1.png", "http://a/2.png"])
    interface = label_interface(labelling_config(DECLARATION))
    prediction = as_object(as_list(sent["predictions"])[0])
    assert interface.validate_prediction(prediction, return_errors=True) == []
    assert interface.validate_task({"data": sent["data"]})


def test_the_digest_changes_with_what_is_said_and_not_with_the_layout() -> None:
    config = labelling_config(DECLARATION)
    root = ElementTree.fromstring(config)
    ElementTree.indent(root, space="        ")
    other = labelling_config(DECLARATION, {"旧名": "buyer"})
    assert config_digest(ElementTree.tostring(root, encoding="unicode")) == config_digest(config)
    assert config_digest(other) != config_digest(config)
