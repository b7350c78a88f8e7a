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
class BackupOptions:
    """What ``formloop backup`` and ``formloop restore`` are asked for."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="The back-up.")]
    data: DataFolder = None
