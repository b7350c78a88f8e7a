"""What can go wrong with what is remembered."""

from __future__ import annotations

from extraction.errors import FormloopError


class DatabaseGone(FormloopError):
    """The database is locked, restarting or unreachable; the same call may work later."""

    category = "database"


class SchemaTooNew(FormloopError):
    """The database was written by a newer formloop."""

    category = "schema"


class StorageFull(FormloopError):
    """The disk or the quota is full; nothing was written."""

    category = "storage_full"


class StorageGone(FormloopError):
    """The storage cannot be reached; the same call may work later."""

    category = "storage"


class BlobMissing(FormloopError):
    """There is no blob of this key."""

    category = "blob_missing"


class NotFound(FormloopError):
    """No row of this id, or no longer."""

    category = "not_found"


class IllegalMove(FormloopError):
    """A state does not allow what was asked of it."""

    category = "state"


class LeaseLost(FormloopError):
    """The step now belongs to another, was cancelled, or its document is gone.

    The work of the old holder is to be dropped.
    """

    category = "lease"


class BadSignature(FormloopError):
    """A signed token was changed, made for something else, or is too old."""

    category = "signature"


class Refused(FormloopError):
    """What a person asked for is not acceptable: a name, a password, an address."""

    category = "refused"


class BadBackup(FormloopError):
    """A back-up file is damaged, or the place to restore it into is not empty."""

    category = "backup"
