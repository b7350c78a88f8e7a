from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import BadSignature
from archive.signing import read_token, sign_token

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(minutes=15)
KEY = b"k" * 32


@given(st.text())
def test_a_token_gives_back_its_subject_until_it_expires(subject: str) -> None:
    token = sign_token(KEY, "picture", subject, SOON)
    assert read_token(KEY, "picture", token, NOW) == subject
    with pytest.raises(BadSignature, match="expired"):
        read_token(KEY, "picture", token, SOON)


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    token = sign_token(KEY, "picture", "documents/1/1/page-0001.picture", SOON)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii"))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(BadSignature):
            read_token(KEY, "picture", changed, NOW)


@given(st.text())
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(BadSignature):
        read_token(KEY, "picture", token, NOW)


def test_a_token_is_for_one_purpose_and_one_key() -> None:
    token = sign_token(KEY, "picture", "a", SOON)
    for key, purpose in ((KEY, "export"), (b"other", "picture")):
        with pytest.raises(BadSignature):
            read_token(key, purpose, token, NOW)
