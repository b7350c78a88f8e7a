"""The command line: what may be called. What a command does stands in a module of its own,
loaded when it is called, so that ``--help`` answers without an engine in memory."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer

from service.client_options import (
    AddOcrOptions,
    BackupOptions,
    DraftOptions,
    DrawOptions,
    ExamplesOptions,
    ExportOptions,
    ModelsOptions,
    PromoteOcrOptions,
    PromoteOptions,
    StatusOptions,
    TrainOptions,
    UploadOptions,
)
from service.options import ExtractOptions, UpOptions, taking_options

INTERRUPTED = 130

app = typer.Typer(
    name="formloop",
    help="Scanned Chinese forms in, checked records out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
forms = typer.Typer(help="List the form types, check a declaration, or draw a new one.")
app.add_typer(forms, name="forms", invoke_without_command=True)
models = typer.Typer(help="List the versions of the model, go forward or back.")
app.add_typer(models, name="models", invoke_without_command=True)


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


@app.command()
@taking_options(UpOptions)
def up(options: UpOptions) -> None:
    """Serve pages, API and queue on this machine until ^C.

    The first start prints the first administrator's password and writes it, with a token for
    scripts, to DIR/admin.json.
    """
    raise typer.Exit(import_module("service.up_command").run(options))


@app.command()
@taking_options(UploadOptions)
def upload(options: UploadOptions) -> None:
    """Send files and folders to a running service; prints the archive's id.

    The service is found by --data, or by FORMLOOP_URL and FORMLOOP_TOKEN. The exit code is 1
    where a file was refused or, with --wait, failed.
    """
    raise typer.Exit(import_module("service.upload_command").run(options))


@app.command()
@taking_options(StatusOptions)
def status(options: StatusOptions) -> None:
    """Show how far the archives of a running service are, or what failed in one."""
    raise typer.Exit(import_module("service.status_command").run(options))


@app.command()
@taking_options(ExportOptions)
def export(options: ExportOptions) -> None:
    """Fetch the records of an archive from a running service as one file."""
    raise typer.Exit(import_module("service.export_command").run(options))


@app.command()
@taking_options(ExamplesOptions)
def examples(options: ExamplesOptions) -> None:
    """Write what people corrected as data to train on; nothing that nobody saw is in it."""
    raise typer.Exit(import_module("service.examples_command").run(options))


@app.command()
@taking_options(TrainOptions)
def train(options: TrainOptions) -> None:
    """Train a new version on all corrections so far; prints the run's id.

    With --wait it says how far it is, and the exit code is 1 where the run failed or the new
    version was refused.
    """
    raise typer.Exit(import_module("service.train_command").run(options))


@app.command()
@taking_options(BackupOptions)
def backup(options: BackupOptions) -> None:
    """Write everything that is remembered to one file; the service may go on working."""
    raise typer.Exit(import_module("service.backup_command").back_up(options.file, options.data))


@app.command()
@taking_options(BackupOptions)
def restore(options: BackupOptions) -> None:
    """Fill an empty data folder, or an empty database and storage, from a back-up."""
    raise typer.Exit(import_module("service.backup_command").restore(options.file, options.data))


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


@forms.command("draw")
@taking_options(DrawOptions)
def draw_form(options: DrawOptions) -> None:
    """Read one blank form and write what a new form type is drawn on in Label Studio."""
    raise typer.Exit(import_module("service.draft_command").draw(options.file, options.out))


@forms.command("draft")
@taking_options(DraftOptions)
def draft_form(options: DraftOptions) -> None:
    """Write the declaration that a drawing on a blank form makes."""
    raise typer.Exit(import_module("service.draft_command").draft(options))


@models.callback()
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        raise typer.Exit(import_module("service.train_command").show_models(None))


@models.command("list")
@taking_options(ModelsOptions)
def list_models(options: ModelsOptions) -> None:
    """Show all versions, which is in use, and what the gate said of each."""
    raise typer.Exit(import_module("service.train_command").show_models(options.data))


@models.command("promote")
@taking_options(PromoteOptions)
def promote_model(options: PromoteOptions) -> None:
    """Use a version for all documents that are read from now on."""
    command = import_module("service.train_command")
    raise typer.Exit(command.promote(options.version, options.data))


@models.command("rollback")
@taking_options(ModelsOptions)
def roll_back_model(options: ModelsOptions) -> None:
    """Use the version before the present one again."""
    raise typer.Exit(import_module("service.train_command").roll_back(options.data))


@models.command("add-ocr")
@taking_options(AddOcrOptions)
def add_ocr(options: AddOcrOptions) -> None:
    """Bring back a recogniser that was tuned elsewhere; used where it passes the gate.

    It reads the same held-out lines as the one in use. The exit code is 1 where it is refused.
    """
    raise typer.Exit(import_module("service.ocr_command").add(options))


@models.command("promote-ocr")
@taking_options(PromoteOcrOptions)
def promote_ocr(options: PromoteOcrOptions) -> None:
    """Use a recogniser for all pages that are read from now on."""
    raise typer.Exit(import_module("service.ocr_command").promote(options.name, options.data))


@models.command("rollback-ocr")
@taking_options(ModelsOptions)
def roll_back_ocr(options: ModelsOptions) -> None:
    """Use the recogniser before the present one again."""
    raise typer.Exit(import_module("service.ocr_command").roll_back(options.data))
