"""Who answered: Label Studio's number of a person is their identity, the e-mail their name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from extraction.json_values import Json

_SIGNED = re.compile(r"(\S+@\S+), (\d+)$")
"""How Label Studio writes ``created_username``, behind the person's name if they have one."""


def find_people(annotations: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """E-mail addresses by the number of the person, as far as the annotations tell them."""
    found: dict[str, str] = {}
    for annotation in annotations:
        signed = _SIGNED.search(str(annotation.get("created_username") or ""))
        if signed is not None:
            found[signed[2]] = signed[1]
        person = annotation.get("completed_by")
        if isinstance(person, dict) and person.get("id") and person.get("email"):
            found[str(person["id"])] = str(person["email"])
    return found
