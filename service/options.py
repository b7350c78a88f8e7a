"""The options of commands as frozen values, so that a command takes one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import typer

Options = TypeVar("Options")

Engine = Literal["onnxruntime", "openvino"]
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """What ``formloop extract`` is asked for."""

    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="PDF, pictures, ZIP archives or folders of them."),
    ]
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Folder for the results; - prints JSON Lines."
        ),
    ]
    form_type: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Take every input for this form type (see formloop forms)."
        ),
    ] = None
    formats: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="LIST", help="Of json, xlsx, csv, html; table prints tables."
        ),
    ] = "json,xlsx,html"
    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, max=256, help="Processes, each with its own reader."),
    ] = 1
    model: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Model version; the shipped one by default."),
    ] = None
    engine: Annotated[
        Engine | None, typer.Option(help="Inference engine; by default what suits the processor.")
    ] = None
    threshold: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Confidence from which a field is accepted."),
    ] = None
    again: Annotated[
        bool, typer.Option("--again", help="Also do what an earlier run has already done.")
    ] = False


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What ``formloop up`` is asked for."""

    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where everything is kept; by default formloop-data."),
    ] = None
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where pages and API are served, on 127.0.0.1.")
    ] = 8000
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes that extract; by default one per processor."),
    ] = None
    label_studio: Annotated[
        bool,
        typer.Option(
            "--label-studio",
            help="Also serve a Label Studio for people's corrections; installed on first use. One"
            " that runs elsewhere is named by FORMLOOP_LABEL_STUDIO_URL and _TOKEN instead.",
        ),
    ] = False
    label_studio_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where that Label Studio is served.")
    ] = 8080


def taking_options(
    options: type[Options],
) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """A command of one options value, shown to Typer as one with a parameter for each field."""
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[item.name],
            default=inspect.Parameter.empty if item.default is MISSING else item.default,
        )
        for item in fields(options)  # type: ignore[arg-type]
    ]

    def decorate(command: Callable[[Options], None]) -> Callable[..., None]:
        def with_parameters(**given: Any) -> None:
            command(options(**given))

        with_parameters.__doc__ = command.__doc__
        with_parameters.__name__ = command.__name__
        with_parameters.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return with_parameters

    return decorate
