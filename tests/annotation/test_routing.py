"""What goes to a person, and what is drawn for the audit."""

from __future__ import annotations

from dataclasses import replace

from annotation.policy import ReviewPolicy
from annotation.routing import AUDIT, route_record
from annotation.values import Routing
from extraction.values import Field
from tests.annotation.small_form import (
    DECLARATION,
    SEED,
    all_fields,
    cell_source,
    field,
    small_record,
)

NO_AUDIT = ReviewPolicy(audit_documents=0.0)


def _reasons(routing: Routing) -> dict[str, tuple[str, ...]]:
    return {doubt.path: doubt.reasons for doubt in routing.doubts}


def test_a_sure_record_asks_only_for_what_is_missing() -> None:
    routing = route_record(small_record(), DECLARATION, NO_AUDIT, SEED)
    assert _reasons(routing) == {"signed": ("missing_required",)}


def test_the_policy_has_its_own_threshold() -> None:
    unsure = replace(field("8", cell_source("amount", 0)), confidence=0.93)
    record = small_record({"items[0].amount": unsure})
    loose = route_record(record, DECLARATION, replace(NO_AUDIT, threshold=0.9), SEED)
    strict = route_record(record, DECLARATION, replace(NO_AUDIT, threshold=0.95), SEED)
    assert "items[0].amount" not in _reasons(loose)
    assert _reasons(strict)["items[0].amount"] == ("low_confidence",)
    assert strict.record.groups["items"][0]["amount"].route == "review"


def test_a_looser_policy_takes_a_doubt_back_but_not_a_failed_check() -> None:
    doubted = Field(
        "8", 8.0, 0.8, "review", ("low_confidence", "check_failed:limit"), cell_source("amount", 0)
    )
    record = small_record({"items[0].amount": doubted})
    routing = route_record(record, DECLARATION, replace(NO_AUDIT, threshold=0.5), SEED)
    assert _reasons(routing)["items[0].amount"] == ("check_failed:limit",)


def test_always_reviewed_fields_go_where_they_are_printed() -> None:
    policy = replace(NO_AUDIT, always_review=frozenset({"total", "items.limit", "signed"}))
    reasons = _reasons(route_record(small_record(), DECLARATION, policy, SEED))
    assert reasons["total"] == ("always_review",)
    assert reasons["items[2].limit"] == ("always_review",)
    assert reasons["signed"] == ("missing_required",)


def test_a_row_with_an_undeclared_name_is_doubted_and_no_other_column() -> None:
    odd = field("菠萝蜜干", cell_source("article", 1))
    reasons = _reasons(
        route_record(small_record({"items[1].article": odd}), DECLARATION, NO_AUDIT, SEED)
    )
    assert reasons["items[1].article"] == ("unknown_row",)
    assert len(reasons) == 2


def test_a_printed_row_without_a_name_is_unknown_and_an_empty_one_is_not() -> None:
    blank = {
        "items[1].article": field("", cell_source("article", 1)),
        "items[2].article": field("", cell_source("article", 2)),
        "items[2].shelf": field("", cell_source("shelf", 2)),
        "items[2].limit": field("", cell_source("limit", 2)),
        "items[2].amount": field("", cell_source("amount", 2)),
    }
    reasons = _reasons(route_record(small_record(blank), DECLARATION, NO_AUDIT, SEED))
    assert "unknown_row" in reasons["items[1].article"]
    assert "unknown_row" not in reasons.get("items[2].article", ())


def test_rows_that_share_a_cell_share_its_doubt() -> None:
    unsure = replace(field("甲", cell_source("shelf", 0, 2)), confidence=0.4)
    routing = route_record(small_record({"items[1].shelf": unsure}), DECLARATION, NO_AUDIT, SEED)
    assert {"items[0].shelf", "items[1].shelf"} <= _reasons(routing).keys()
    assert routing.record.groups["items"][0]["shelf"].route == "review"


def test_what_is_not_printed_is_accepted_whatever_the_record_said() -> None:
    absent = Field("", None, None, "review", ("form_type_unsure", "check_failed:total"), None)
    routing = route_record(small_record({"total": absent}), DECLARATION, NO_AUDIT, SEED)
    assert routing.record.fields["total"].route == "accept"
    assert "total" not in _reasons(routing)


def test_a_form_of_no_declared_type_keeps_its_routes_and_asks_nothing() -> None:
    record = replace(small_record(), form_type="unknown")
    assert route_record(record, None, NO_AUDIT, SEED) == Routing(record, ())


def test_an_audited_field_stays_accepted() -> None:
    policy = ReviewPolicy(audit_documents=1.0, audit_fields=1.0)
    routing = route_record(small_record(), DECLARATION, policy, SEED)
    audited = {doubt.path for doubt in routing.doubts if doubt.audit}
    printed = {path for path, item in all_fields(routing.record) if item.source is not None}
    assert audited == printed
    assert all(dict(all_fields(routing.record))[path].route == "accept" for path in audited)
    assert {doubt.reasons for doubt in routing.doubts if doubt.audit} == {(AUDIT,)}


def test_the_draw_follows_from_the_seed_and_the_document_alone() -> None:
    policy = ReviewPolicy(audit_documents=1.0, audit_fields=0.3)
    record = small_record()
    first = route_record(record, DECLARATION, policy, SEED)
    again = route_record(replace(record, name="other.pdf"), DECLARATION, policy, SEED)
    others = {
        tuple(route_record(record, DECLARATION, policy, bytes([number])).doubts)
        for number in range(10)
    }
    assert first.doubts == again.doubts
    assert len(others) > 1


def test_every_field_has_the_share_that_is_set() -> None:
    """Also those that stand in a cell of several rows, which would else have more chances."""
    policy = ReviewPolicy(audit_documents=0.5, audit_fields=0.4)
    record = small_record()
    draws, counts = 2000, dict[str, int]()
    for number in range(draws):
        routing = route_record(record, DECLARATION, policy, number.to_bytes(4, "big"))
        for doubt in routing.doubts:
            if doubt.audit:
                counts[doubt.path] = counts.get(doubt.path, 0) + 1
    printed = [path for path, item in all_fields(record) if item.source is not None]
    assert set(counts) == set(printed)
    # Three standard deviations of 2,000 draws at 0.2 are 0.027.
    assert all(abs(counts[path] / draws - 0.2) < 0.035 for path in printed)
    assert counts["items[0].shelf"] == counts["items[1].shelf"]
