"""The options of the commands that speak to a running service, or to its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data folder of formloop up."),
]


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What ``formloop upload`` is asked for."""

    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="PDF, pictures, ZIP archives or folders of them."),
    ]
    archive: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Into the archive of this name, made where needed."),
    ] = None
    wait: Annotated[bool, typer.Option("--wait", help="Until all of it is extracted.")] = False
    form_type: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take every file for this form type."),
    ] = None
    priority: Annotated[
        int, typer.Option(min=-2, max=2, help="Above 0 overtakes what waits already.")
    ] = 0
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """What ``formloop status`` is asked for."""

    archive: Annotated[
        str | None, typer.Argument(metavar="ARCHIVE", help="Its name or id; all by default.")
    ] = None
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What ``formloop export`` is asked for."""

    archive: Annotated[str, typer.Argument(metavar="ARCHIVE", help="Its name or id.")]
    format: Annotated[
        Literal["xlsx", "csv", "jsonl", "zip"],
        typer.Option("--format", "-f", help="zip holds json, csv and xlsx of each document."),
    ]
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="- writes to standard output.")
    ]
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class ExamplesOptions:
    """What ``formloop examples`` is asked for."""

    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="A new folder for what is written.")
    ]
    archive: Annotated[
        str | None, typer.Argument(metavar="ARCHIVE", help="Its name or id, or --all.")
    ] = None
    all: Annotated[bool, typer.Option("--all", help="Of all archives.")] = False
    format: Annotated[
        Literal["jsonl", "recognition", "datasets"],
        typer.Option(
            "--format",
            "-f",
            help="recognition: lines as PaddleOCR trains on them;"
            " datasets: a folder that Hugging Face's datasets loads.",
        ),
    ] = "jsonl"
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What ``formloop train`` is asked for."""

    wait: Annotated[bool, typer.Option("--wait", help="Until the new version is judged.")] = False
    base: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A version, or a checkpoint in DIR/bases."),
    ] = None
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the training.")] = None
    minutes: Annotated[float | None, typer.Option(help="End it after these at the latest.")] = None
    seed: Annotated[int | None, typer.Option(min=0, help="Of all that is drawn.")] = None
    promote: Annotated[
        bool, typer.Option(help="Use the new version at once when the gate lets it pass.")
    ] = True
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class ModelsOptions:
    """What the ``formloop models`` commands are asked for."""

    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class PromoteOptions:
    version: Annotated[str, typer.Argument(metavar="VERSION", help="See formloop models list.")]
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class AddOcrOptions:
    """What ``formloop models add-ocr`` is asked for."""

    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Exported: inference.onnx, inference.yml.")
    ]
    lines: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Of formloop examples --format recognition."),
    ]
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class PromoteOcrOptions:
    name: Annotated[str, typer.Argument(metavar="NAME", help="As add-ocr printed it, or shipped.")]
    data: DataFolder = None


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """What ``formloop forms draw`` is asked for."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scan of the blank form.")]
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="For what is drawn on.")]


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """What ``formloop forms draft`` is asked for."""

    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of formloop forms draw.")]
    annotation: Annotated[
        Path, typer.Argument(metavar="EXPORT.json", help="The drawing, as Label Studio exports it.")
    ]
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="NAME.yaml", help="Named after the form type.")
    ]
    title: Annotated[
        str | None, typer.Option(help="Of the form; by default what is drawn as its title.")
    ] = None


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """What ``formloop backup`` and ``formloop restore`` are asked for."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="The back-up.")]
    data: DataFolder = None
