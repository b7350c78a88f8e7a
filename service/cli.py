"""The command line: what may be called. What a command does stands in a module of its own,
loaded when it is called, so that ``--help`` answers without an engine in memory."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer

from service.options import ExtractOptions, taking_options

INTERRUPTED = 130

app = typer.Typer(
    name="formloop",
    help="Scanned Chinese forms in, checked records out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
forms = typer.Typer(help="List the form types, or check a declaration.")
app.add_typer(forms, name="forms", invoke_without_command=True)


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"formloop {metadata.version('formloop')}")
        raise typer.Exit


@app.callback()
def _formloop(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command()
@taking_options(ExtractOptions)
def extract(options: ExtractOptions) -> None:
    """Turn scans into records.

    For a/b.pdf it writes DIR/b.json, DIR/b.xlsx and DIR/b.html. What an earlier run has done
    is skipped. The exit code is 0 where all went well and 1 where an input failed.
    """
    raise typer.Exit(import_module("service.extract_command").run(options))


@forms.callback()
def _forms(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        raise typer.Exit(import_module("service.forms_command").show_forms())


@forms.command("check")
def check_form(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A form declaration (YAML).")],
) -> None:
    """Say whether a form declaration is right, or what is wrong in it."""
    raise typer.Exit(import_module("service.forms_command").check_form(file))
