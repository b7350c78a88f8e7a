"""What a changed declaration does to a project that people already work in."""

from __future__ import annotations

import pytest

from annotation.labels import config_digest, find_labels, labelling_config
from annotation.migration import config_to_names, find_migration
from extraction.declarations import FormDeclaration
from extraction.errors import InputError
from tests.annotation.small_form import DECLARATION
from tests.annotation.studio_sdk import label_interface

OLD = labelling_config(DECLARATION)


def _with_buyer(title: str) -> FormDeclaration:
    buyer, *others = DECLARATION.fields
    renamed = buyer.model_copy(update={"title": title})
    return DECLARATION.model_copy(update={"fields": (renamed, *others)})


def _without_buyer() -> FormDeclaration:
    return DECLARATION.model_copy(update={"fields": DECLARATION.fields[1:]})


def test_the_same_declaration_changes_nothing() -> None:
    migration = find_migration(OLD, DECLARATION, {"买方": 3})
    assert config_digest(migration.config) == config_digest(OLD)
    assert migration.kept == tuple(label.title for label in find_labels(DECLARATION))
    assert (migration.added, migration.retired, migration.dropped) == ((), (), ())
    assert migration.reasons == ()


def test_a_new_field_is_added() -> None:
    before = labelling_config(_without_buyer())
    migration = find_migration(before, DECLARATION, {"合计": 1})
    assert migration.added == ("买方",)
    assert migration.reasons == ()


def test_a_field_that_nobody_used_goes() -> None:
    migration = find_migration(OLD, _without_buyer(), {"合计": 9, "买方": 0})
    assert migration.dropped == ("买方",)
    assert "买方" not in config_to_names(migration.config)


def test_a_field_in_use_that_is_declared_no_more_stays_and_says_why() -> None:
    migration = find_migration(OLD, _without_buyer(), {"买方": 4})
    assert (migration.retired, migration.dropped) == (("买方",), ())
    assert migration.reasons == (
        "label '买方' (buyer) is declared no more, but 4 boxes bear it: "
        "it stays, marked as retired",
    )
    interface = label_interface(migration.config)
    interface.validate()
    assert "买方" in interface.get_control("label").labels


def test_a_title_in_use_cannot_be_changed_and_still_means_its_field() -> None:
    migration = find_migration(OLD, _with_buyer("采购方"), {"买方": 1})
    assert (migration.added, migration.retired) == (("采购方",), ("买方",))
    assert "is now called '采购方', but 1 box bears the old name" in migration.reasons[0]
    names = config_to_names(migration.config)
    assert (names["买方"], names["采购方"]) == ("buyer", "buyer")


def test_a_retired_label_stays_through_the_next_change_and_goes_when_it_is_free() -> None:
    first = find_migration(OLD, _with_buyer("采购方"), {"买方": 1})
    second = find_migration(first.config, _with_buyer("购方"), {"买方": 1, "采购方": 2})
    assert set(second.retired) == {"买方", "采购方"}
    assert config_to_names(second.config)["买方"] == "buyer"
    third = find_migration(second.config, _with_buyer("购方"), {"采购方": 2})
    assert (third.retired, third.dropped) == (("采购方",), ("买方",))


def test_a_title_that_comes_back_is_no_longer_retired() -> None:
    first = find_migration(OLD, _without_buyer(), {"买方": 4})
    back = find_migration(first.config, DECLARATION, {"买方": 4})
    assert back.retired == ()
    assert config_digest(back.config) == config_digest(OLD)


def test_a_label_in_use_that_the_config_never_had_is_kept_all_the_same() -> None:
    """Somebody changed the project by hand."""
    migration = find_migration(OLD, DECLARATION, {"手写": 2})
    assert migration.retired == ("手写",)
    assert config_to_names(migration.config)["手写"] == ""


def test_a_config_that_is_no_xml_is_refused() -> None:
    with pytest.raises(InputError, match="no XML"):
        find_migration("<View", DECLARATION, {})
