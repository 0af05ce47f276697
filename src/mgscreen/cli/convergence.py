"""``mgscreen convergence``: what the default slab costs in error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mgscreen.cli.options import Format, FormatOption, OutputOption

FIELDS = (
    "axis",
    "value",
    "adsorption_ev",
    "change_ev",
    "work_function_ev",
    "site",
    "level",
    "reference",
)


def convergence(
    vary: Annotated[
        list[str],
        typer.Argument(
            metavar="AXIS=VALUES...",
            help="layers=5,6 supercell=2 kpts=5 vacuum=20 cutoff=550, beside the default slab.",
        ),
    ],
    crystal: Annotated[str, typer.Option(help="Crystal of the library, or a CIF.")] = "Mg",
    miller: Annotated[str, typer.Option(help="Three indices, comma between them.")] = "0,0,1",
    fragment: Annotated[str, typer.Option(help="Fragment of the library.")] = "F",
    level: Annotated[str, typer.Option(help="Level of the energies.")] = "gpaw:pbe",
    geometry: Annotated[str, typer.Option(help="Level of the geometries.")] = "mlip:7net-0",
    layers: Annotated[int, typer.Option(help="Of the default slab.")] = 4,
    supercell: Annotated[int, typer.Option(help="Of the default slab, n for p(nxn).")] = 3,
    scratch: Annotated[
        Path, typer.Option(help="Folder for steps: a killed run goes on from there.")
    ] = Path("scratch"),
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Repeat an adsorption energy over the parameters of a slab, one at a time.

    Prints the energy of each case, its change against the default slab and, at the end, what the
    default costs in error along each axis.
    """
    from mgscreen.calculations.convergence import UNITS, converge
    from mgscreen.cli.output import emit, writing
    from mgscreen.core.errors import ScientificFailureError
    from mgscreen.core.runtime import Runtime, use_runtime
    from mgscreen.engines.level import Level
    from mgscreen.structures.crystals import load_crystal
    from mgscreen.structures.fragments import fragment as library_fragment

    axes = parse_axes(vary)
    indices = parse_miller(miller)
    with use_runtime(Runtime(scratch=scratch)):
        document = converge(
            load_crystal(crystal, primitive=True),
            library_fragment(fragment),
            Level.parse(level),
            Level.parse(geometry),
            axes,
            miller=indices,
            layers=layers,
            supercell=supercell,
        )
    if document.state == "failed":
        raise ScientificFailureError(document.reason)
    rows: list[dict[str, Any]] = [
        {
            **point.model_dump(),
            "value": None if point.axis == "default" else point.value,
            "level": document.level,
            "reference": document.reference,
        }
        for point in document.points
    ]
    with writing(output):
        emit(rows, FIELDS, how.value, title=f"{document.fragment} on {document.slab}")
        if how is Format.TABLE:
            for axis in axes:
                error = document.error_of(axis)
                if error is not None:
                    far = f"{axes[axis][-1]:g} {UNITS[axis]}".strip()
                    typer.echo(f"- {axis}: the default is {error:+.3f} eV off {far}")


def parse_axes(given: list[str]) -> dict[str, list[float]]:
    """Read ``layers=5,6 vacuum=20``.

    Raises
    ------
    InputError
        If an axis is unknown or a value is no number above zero.
    """
    from mgscreen.calculations.convergence import AXES
    from mgscreen.core.errors import InputError

    found: dict[str, list[float]] = {}
    for text in given:
        name, _, values = text.partition("=")
        if name not in AXES:
            raise InputError(f"'{text}': there is no axis '{name}' (known: {', '.join(AXES)})")
        try:
            numbers = [float(v) for v in values.split(",")]
        except ValueError:
            numbers = []
        whole = name not in {"vacuum", "cutoff"}
        if not numbers or min(numbers) <= 0 or (whole and any(n % 1 for n in numbers)):
            kind = "whole numbers" if whole else "numbers"
            raise InputError(f"'{text}': expected {kind} above zero with commas between them")
        found[name] = numbers
    return found


def parse_miller(text: str) -> tuple[int, int, int]:
    """Read ``0,0,1``.

    Raises
    ------
    InputError
        If it is not three whole numbers, not all zero.
    """
    from mgscreen.core.errors import InputError

    try:
        h, k, last = (int(n) for n in text.split(","))
    except ValueError:
        raise InputError(f"'{text}': expected three Miller indices, such as 0,0,1") from None
    if not any((h, k, last)):
        raise InputError("the Miller indices of a surface are not all zero")
    return h, k, last
