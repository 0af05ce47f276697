"""``mgscreen cluster``: look at cluster profiles and try them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.options import Format, FormatOption, unwrapped

app = typer.Typer(
    no_args_is_help=True,
    help="Look at cluster profiles, try them.",
    epilog="Example: mgscreen cluster check slurm",
)
FIELDS = ("profile", "what", "ok", "detail")
LIST_FIELDS = ("profile", "scheduler", "classes", "slots", "description", "file")


def check(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A profile, or the name of one of mgscreen's.")
    ],
    submit: Annotated[
        bool, typer.Option("--submit", help="Also send one task of each class through the queue.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=1.0, help="Seconds to wait for the answer of each task.")
    ] = 300.0,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="For --submit: a folder that the nodes see; by default here."
        ),
    ] = None,
    how: FormatOption = Format.TABLE,
) -> None:
    """Try a cluster profile and say what is wrong with it; exit code 1 if anything is.

    JSON and CSV have the fields profile, what, ok, detail.
    """
    from mgscreen.cli.output import emit
    from mgscreen.execution.cluster.check import attempt, look
    from mgscreen.execution.cluster.profile import load_profile

    profile = load_profile(file).profile
    findings = list(look(profile))
    if submit and all(one.ok for one in findings):
        with tempfile.TemporaryDirectory(prefix=".mgscreen-check-", dir=folder or Path()) as work:
            findings += [attempt(profile, n, Path(work) / n, wait) for n in profile.classes]
    rows = [
        {"profile": profile.name, "what": one.what, "ok": one.ok, "detail": one.detail}
        for one in findings
    ]
    emit(rows, FIELDS, how.value)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def list_profiles(how: FormatOption = Format.TABLE) -> None:
    """List the profiles that come with mgscreen, to copy and change.

    JSON and CSV have the fields profile, scheduler, classes, slots, description, file.
    """
    from mgscreen.cli.output import emit
    from mgscreen.execution.cluster.profile import load_profile, shipped_profiles

    rows = []
    for name, path in shipped_profiles().items():
        one = load_profile(path).profile
        rows.append(
            {
                "profile": name,
                "scheduler": one.scheduler,
                "classes": ", ".join(one.classes),
                "slots": one.slots,
                "description": one.description,
                "file": str(path),
            }
        )
    columns = ("profile", "scheduler", "classes", "slots", "description")
    emit(rows, LIST_FIELDS, how.value, columns=columns)


app.command(
    "check", help=unwrapped(check), epilog="Example: mgscreen cluster check hpc/laptop.toml"
)(check)
app.command("list", help=unwrapped(list_profiles), epilog="Example: mgscreen cluster list")(
    list_profiles
)
