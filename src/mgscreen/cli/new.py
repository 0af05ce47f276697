"""``mgscreen new``: a commented campaign to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from mgscreen.core.errors import InputError

STARTER = "starter"


def new(
    name: Annotated[
        str, typer.Argument(help="Name of the campaign; the file becomes NAME.toml here.")
    ],
    template: Annotated[
        str,
        typer.Option(
            "--template",
            "-t",
            help="starter (every key, explained), or a campaign that comes with mgscreen.",
        ),
    ] = STARTER,
) -> None:
    """Write a commented campaign file to start from; it validates and runs as it stands."""
    from pydantic import TypeAdapter, ValidationError

    from mgscreen.campaign.base import Name
    from mgscreen.campaign.faults import NAME_RULE, shown

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise InputError(
            f"a campaign cannot be called {shown(name)}: expected {NAME_RULE}"
        ) from None
    text = _text(template).replace("@NAME@", name)
    path = Path(f"{name}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists already and is left as it is") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: the file cannot be written ({reason})") from None
    typer.echo(f"{path} written; look at it, then: mgscreen run {path}")


def _text(template: str) -> str:
    if template == STARTER:
        return (files("mgscreen.cli") / "templates" / "starter.toml").read_text(encoding="utf-8")
    from mgscreen.campaign.faults import did_you_mean
    from mgscreen.campaign.loader import shipped_campaigns

    shipped = shipped_campaigns()
    if template not in shipped:
        hint = did_you_mean(template, [STARTER, *shipped])
        raise InputError(f"there is no template '{template}' ({hint})")
    text = shipped[template].read_text(encoding="utf-8")
    text = re.sub(r'^name = "[^"]*"', 'name = "@NAME@"', text, count=1, flags=re.MULTILINE)
    return text.replace(f"workflows/{template}.toml", "@NAME@.toml")
