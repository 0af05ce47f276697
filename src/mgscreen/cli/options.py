"""Options and arguments that several verbs share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def unwrapped(function: Callable[..., object]) -> str:
    """Return a docstring with each paragraph on one line: the terminal wraps it."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


class Format(StrEnum):
    """How data is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class FileFormat(StrEnum):
    """How data is printed or written to a file."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FormatOption = Annotated[
    Format, typer.Option("--format", "-f", help="How to print: table, csv or json.")
]
DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        envvar="MGSCREEN_DB",
        metavar="FILE|URL",
        help="The database; by default results/<campaign>/mgscreen.db.",
        show_default=False,
    ),
]
CampaignFile = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN", help="A campaign file, or the name of one that comes with mgscreen."
    ),
]
CampaignName = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN]",
        help="A campaign's name or file; by default the newest in results/.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of the screen."),
]
