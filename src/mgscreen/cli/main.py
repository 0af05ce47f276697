"""The command ``mgscreen``: one verb, one file; each imports what it needs when it is called."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from mgscreen import __version__
from mgscreen.cli import (
    cancel,
    candidates,
    cluster,
    convergence,
    db,
    doctor,
    explain,
    export_inputs,
    export_results,
    failures,
    import_,
    logs,
    new,
    plan,
    query,
    rank,
    report,
    retry,
    run,
    serve,
    status,
    submit,
    validate,
)
from mgscreen.cli.options import unwrapped


class _Guarded(TyperGroup):
    """Turns every exception of a verb into one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Call the verb."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            debug = bool(ctx.params.get("debug"))
            if failures.belongs_to_typer(error) or (debug and failures.unexpected(error)):
                raise
            raise typer.Exit(failures.tell(error)) from None


app = typer.Typer(
    name="mgscreen",
    cls=_Guarded,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Screen electrolyte additives and anode coatings for magnesium-metal batteries by "
        "computation, and rank them with evidence."
    ),
    epilog="Example: mgscreen run workflows/laptop.toml, then mgscreen rank additives. "
    "Exit code: 0 done, 1 something failed, 2 bad input.",
)


def print_version(wanted: bool) -> None:
    """Print the version and leave, if it is asked for."""
    if wanted:
        typer.echo(f"mgscreen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="MGSCREEN_DEBUG", help="Show the traceback of a defect."),
    ] = False,
) -> None:
    if not debug and not sys.warnoptions:
        # what third-party packages deprecate is of no use to somebody who runs a campaign
        warnings.simplefilter("ignore")


def _add(function: Any, name: str, example: str) -> None:
    app.command(name, help=unwrapped(function), epilog=f"Example: {example}")(function)


_add(run.run, "run", "mgscreen run workflows/laptop.toml --workers 2")
_add(submit.submit, "submit", "mgscreen submit workflows/laptop.toml --cluster slurm --dry-run")
_add(status.status, "status", "mgscreen status laptop --watch")
_add(retry.retry, "retry", "mgscreen retry workflows/laptop.toml --job 'orbitals [MgTFSI]+'")
_add(cancel.cancel, "cancel", "mgscreen cancel laptop --job 'orbitals [MgTFSI]+'")
_add(logs.logs, "logs", "mgscreen logs 'orbitals TFSI-'")
app.add_typer(cluster.app, name="cluster")
app.add_typer(db.app, name="db")
export_results.add_to(export_inputs.app)
app.add_typer(export_inputs.app, name="export")
_add(import_.import_, "import", "mgscreen import gaussian")
_add(query.query, "query", "mgscreen query --property lumo --candidate TFSI --format json")
app.add_typer(rank.app, name="rank")
_add(explain.explain, "explain", "mgscreen explain TFSI")
_add(report.report, "report", "mgscreen report laptop --output laptop.html")
_add(serve.serve, "serve", "mgscreen serve laptop --port 8001")
_add(convergence.convergence, "convergence", "mgscreen convergence layers=5,6 vacuum=20 kpts=5")
_add(validate.validate, "validate", "mgscreen validate laptop --format csv")
_add(plan.plan, "plan", "mgscreen plan workflows/laptop.toml --graph laptop.svg")
_add(new.new, "new", "mgscreen new my-campaign")
app.add_typer(candidates.app, name="candidates")
_add(doctor.doctor, "doctor", "mgscreen doctor --format json")


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process by default.
    """
    try:
        app(args=argv, prog_name="mgscreen")
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except KeyboardInterrupt as error:
        code = failures.tell(error)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = failures.tell(BrokenPipeError())
    except ValueError:
        os._exit(code)  # stdout was closed under us
    sys.exit(code)


if __name__ == "__main__":
    main()
