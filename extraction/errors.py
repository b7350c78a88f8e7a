"""One tree of errors. Each says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

Facts = Mapping[str, int | float | str]
NO_FACTS: Final[Facts] = MappingProxyType({})


class FormloopError(Exception):
    """Anything that formloop expects to go wrong.

    ``category`` is stable and machine-readable; ``name`` is the input file and ``page``
    counts from 1 where the trouble lies on one page. ``facts`` are the numbers of the reason
    by name, for those who say it in another language.
    """

    category: ClassVar[str] = "error"

    def __init__(
        self,
        reason: str,
        *,
        name: str | None = None,
        page: int | None = None,
        facts: Facts = NO_FACTS,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts
        self.name = name
        self.page = page

    def __str__(self) -> str:
        place = [self.name] if self.name else []
        if self.page is not None:
            place.append(f"page {self.page}")
        return ": ".join([*place, self.reason])

    def at(self, *, name: str | None = None, page: int | None = None) -> FormloopError:
        """The same error with its place filled in where it was not known."""
        self.name = self.name or name
        self.page = self.page if self.page is not None else page
        return self


class InputError(FormloopError):
    """The input cannot be read; another try with the same bytes will not help."""

    category = "input"


class EmptyInput(InputError):
    category = "empty"


class UnsupportedInput(InputError):
    category = "unsupported"


class DamagedInput(InputError):
    category = "damaged"


class EncryptedInput(InputError):
    category = "encrypted"


class TooLarge(InputError):
    """More bytes, pixels or pages than the limits allow."""

    category = "too_large"


class UnsafePath(InputError):
    """A name inside an archive that leads out of it."""

    category = "unsafe_path"


class BlankPage(InputError):
    category = "blank_page"


class NoForm(InputError):
    """The page was read but holds neither a table nor text that could be a form."""

    category = "no_form"


class DeclarationError(FormloopError):
    """A form declaration is wrong; ``name`` is its file."""

    category = "declaration"


class ModelError(FormloopError):
    """Weights are missing or do not fit the code that loads them."""

    category = "model"


class EngineError(FormloopError):
    """The OCR or inference engine failed on good input; trying again may help."""

    category = "engine"
