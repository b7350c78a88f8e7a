"""What can go wrong between us and a Label Studio, and with what it holds for us."""

from __future__ import annotations

from extraction.errors import FormloopError


class StudioError(FormloopError):
    """Anything that Label Studio, or the way to it, does not give us."""

    category = "label_studio"


class StudioGone(StudioError):
    """It does not answer, or not in time; the same call may work later."""

    category = "label_studio_gone"


class StudioRefused(StudioError):
    """It answers but does not do it: the token, the rights or what was sent are not right."""

    category = "label_studio_refused"


class StudioMissing(StudioError):
    """The project, task or annotation is not there (any more), or no Label Studio is."""

    category = "label_studio_missing"


class ConfigRefused(StudioError):
    """A labelling config is wrong, or does not fit the tasks and annotations there are."""

    category = "label_studio_config"
