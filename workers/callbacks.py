"""Due callbacks, claimed one by one and sent, so that two schedulers never send the same."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Final

from archive.callbacks import (
    ID_HEADER,
    SIGNATURE_HEADER,
    DueDelivery,
    claim_delivery,
    find_due_deliveries,
    record_delivered,
    record_refused,
    sign_body,
)
from archive.clock import utc_now
from archive.database import Database
from workers.callback_sender import Answer, send_post

PRIVATE_VARIABLE: Final = "FORMLOOP_PRIVATE_CALLBACKS"
USER_AGENT: Final = "formloop"
_log = logging.getLogger(__name__)


def private_is_allowed(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this installation's callbacks may go into private networks."""
    env = os.environ if environment is None else environment
    return env.get(PRIVATE_VARIABLE, "").casefold() in ("1", "true", "yes")


def send_due_callbacks(
    database: Database, *, allow_private: bool | None = None, limit: int = 50
) -> int:
    """Send what is due now; how many were delivered.

    ``allow_private`` is by default what the environment says.

    A sender that dies between the claim and the answer leaves the delivery due again, so a
    receiver may see one twice: the delivery's id is in a header. DatabaseGone may end it.
    """
    allowed = private_is_allowed() if allow_private is None else allow_private
    with database.read() as session:
        due = find_due_deliveries(session, utc_now(), limit)
    return sum(_send_claimed(database, delivery, allowed) for delivery in due)


def _send_claimed(database: Database, delivery: DueDelivery, allow_private: bool) -> bool:
    with database.write() as session:
        if not claim_delivery(session, delivery.id, utc_now()):
            return False
    answer = send_delivery(delivery, allow_private=allow_private)
    with database.write() as session:
        if answer.went_well and answer.status is not None:
            record_delivered(session, delivery.id, answer.status, utc_now())
        else:
            record_refused(session, delivery.id, answer.status, answer.reason, utc_now())
    _log.info(
        "callback sent",
        extra={"more": {"delivery": delivery.id, "status": answer.status, "said": answer.reason}},
    )
    return answer.went_well


def send_delivery(delivery: DueDelivery, *, allow_private: bool = False) -> Answer:
    """One POST of the stored body, signed with the time of this sending."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        ID_HEADER: delivery.id,
        SIGNATURE_HEADER: sign_body(delivery.secret, delivery.body, utc_now()),
    }
    return send_post(delivery.url, delivery.body.encode(), headers, allow_private=allow_private)
