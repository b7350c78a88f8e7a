"""``formloop forms``: the form types at hand, and the check of a declaration."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from extraction.declarations import check_declaration, load_declarations
from extraction.errors import DeclarationError
from service.terminal import answers, messages, say_error


def show_forms() -> int:
    """Print a row for every form type; the exit code."""
    try:
        declarations = load_declarations()
    except DeclarationError as error:
        say_error(str(error))
        return 1
    table = Table("name", "title", "fields", "groups", "checks", box=None)
    for declaration in declarations:
        table.add_row(
            declaration.name,
            declaration.title,
            str(len(declaration.fields)),
            ", ".join(f"{group.name} ({len(group.columns)})" for group in declaration.groups),
            str(len(declaration.checks)),
        )
    answers().print(table)
    return 0


def check_form(file: Path) -> int:
    """Print whether the declaration is right; the exit code."""
    try:
        declaration = check_declaration(file)
    except DeclarationError as error:
        say_error(str(error))
        return 1
    columns = sum(len(group.columns) for group in declaration.groups)
    messages().print(
        f"{file}: {declaration.title} is right: {len(declaration.fields)} fields,"
        f" {len(declaration.groups)} groups with {columns} columns,"
        f" {len(declaration.checks)} checks",
        markup=False,
        highlight=False,
    )
    return 0
