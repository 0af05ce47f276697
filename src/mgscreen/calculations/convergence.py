"""What the default slab costs in error: one case repeated over layers, cell, mesh, vacuum, cut-off.

One thing is changed at a time. The geometry comes from a cheap level (or the level itself), so that
a step of the convergence costs two single points: with the fragment, and without it. The error of
the default is the difference to the best value of each axis, and their sum where they add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.adsorption_search import Search
from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.slab import clean_slab, provenance_of, slab_level, with_force
from mgscreen.calculations.steps import once
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.fragments import molecule_x2

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

Axis = Literal["layers", "supercell", "kpts", "vacuum", "cutoff"]
AXES: tuple[Axis, ...] = ("layers", "supercell", "kpts", "vacuum", "cutoff")
UNITS = {"layers": "", "supercell": "", "kpts": "", "vacuum": "angstrom", "cutoff": "eV"}


class ConvergencePoint(BaseModel):
    """One case: the default with one thing changed."""

    model_config = ConfigDict(extra="forbid")

    axis: str = Field(description="what was changed; 'default' for nothing")
    value: float = Field(description="of the axis")
    adsorption_ev: float = Field(description="on the reference of the document, eV")
    work_function_ev: float | None = None
    site: str = ""
    change_ev: float | None = Field(default=None, description="against the default, eV")


class ConvergenceDocument(Document):
    """An adsorption energy over the parameters of a slab."""

    fragment: str = ""
    slab: str = ""
    geometry_level: str = ""
    reference: str = ""
    points: list[ConvergencePoint] = Field(default_factory=list)

    def error_of(self, axis: str) -> float | None:
        """Return default minus the value at the far end of an axis, eV; None: not varied."""
        rows = [p for p in self.points if p.axis == axis]
        if not rows or rows[-1].change_ev is None:
            return None
        return -rows[-1].change_ev

    def properties(self) -> list[PropertyValue]:
        """Return nothing: these are numbers about a method, not about a fragment."""
        return []


class _Energies(BaseModel):
    """What one case leaves on disk."""

    model_config = ConfigDict(extra="forbid")

    whole_ev: float
    clean_ev: float
    gas_ev: float
    work_function_ev: float | None = None
    site: str = ""


@calculation("convergence", ConvergenceDocument)
def converge(  # noqa: PLR0913, PLR0917 - what a slab is made of
    crystal: AtomicStructure,
    fragment: AtomicStructure,
    level: Level,
    geometry_level: Level,
    axes: dict[str, list[float]],
    miller: tuple[int, int, int] = (0, 0, 1),
    layers: int = 4,
    fixed: int = 2,
    supercell: int = 3,
    vacuum: float = 15.0,
    kpts: int | None = None,
    sites: tuple[str, ...] = ("hcp", "fcc", "hollow"),
    *,
    identity: str = "",
) -> ConvergenceDocument:
    """Repeat an adsorption energy over the parameters of the slab, one at a time.

    Parameters
    ----------
    crystal
        As in the library; it is relaxed at ``geometry_level``.
    fragment
        An atom or small molecule; atoms with X2 are measured against half of it.
    level
        Of the energies.
    geometry_level
        Of the geometries: a potential, or ``level``.
    axes
        Values by axis (``layers``, ``supercell``, ``kpts``, ``vacuum`` in angstrom, ``cutoff`` in
        eV), besides the default.
    miller, layers, fixed, supercell, vacuum, kpts
        The default slab; ``kpts`` n means n x n x 1, None the density of ``slab_level``.
    sites
        Kinds of sites that are tried in each case.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame: if an axis is unknown, or a case does not relax.
    """
    unknown = [a for a in axes if a not in AXES]
    if unknown:
        raise ScientificFailureError(f"there is no axis {unknown[0]} (known: {', '.join(AXES)})")
    default: dict[str, Any] = {
        "layers": layers, "supercell": supercell, "vacuum": vacuum, "kpts": kpts, "cutoff": None,
    }  # fmt: skip
    folder = runtime().workdir(identity)
    bulk = relax_crystal(crystal, geometry_level)
    if bulk.structure is None or bulk.state == "failed":
        raise ScientificFailureError(f"the crystal did not relax: {bulk.reason}")
    x2 = molecule_x2(fragment.label)

    def point(axis: str, value: float) -> ConvergencePoint:
        case = {**default, **({} if axis == "default" else {axis: value})}
        found = once(
            folder / f"{axis}-{value:g}.json",
            _Energies,
            lambda: _case(
                _Slab(bulk.structure, miller, fixed, case),  # type: ignore[arg-type]
                fragment,
                x2,
                level,
                geometry_level,
                sites,
                folder / f"{axis}-{value:g}",
            ),
        )
        share = 1.0 if x2 is None else 0.5
        return ConvergencePoint(
            axis=axis,
            value=value,
            adsorption_ev=found.whole_ev - found.clean_ev - share * found.gas_ev,
            work_function_ev=found.work_function_ev,
            site=found.site,
        )

    points = [point("default", 0.0)]
    for axis, values in axes.items():
        points += [point(axis, value) for value in values]
    for one in points[1:]:
        one.change_ev = one.adsorption_ev - points[0].adsorption_ev
    engine = get_periodic_engine(level)
    return ConvergenceDocument(
        **provenance_of(engine),
        fragment=fragment.label,
        slab=f"{bulk.structure.label}{miller} {layers} layers p({supercell}x{supercell})",
        geometry_level=str(geometry_level),
        reference=f"{fragment.label} alone" if x2 is None else f"half of {fragment.label}2",
        points=points,
        structure=fragment,
        converged={"cases": True},
    )


class _Slab:
    """The crystal and the numbers of one case."""

    def __init__(
        self,
        crystal: AtomicStructure,
        miller: tuple[int, int, int],
        fixed: int,
        case: dict[str, Any],
    ) -> None:
        self.crystal, self.miller, self.fixed, self.case = crystal, miller, fixed, case


def _case(
    given: _Slab,
    fragment: AtomicStructure,
    x2: AtomicStructure | None,
    level: Level,
    geometry_level: Level,
    sites: tuple[str, ...],
    folder: Path,
) -> _Energies:
    case = given.case
    if level.engine == "gpaw" and case["cutoff"] is not None:
        settings = {**level.settings, "cutoff_ev": float(case["cutoff"])}
        level = level.model_copy(update={"settings": settings})
    mesh = None if case["kpts"] is None else (int(case["kpts"]), int(case["kpts"]), 1)
    size = int(case["supercell"])
    clean = clean_slab(
        given.crystal,
        with_force(geometry_level, 0.02),
        miller=given.miller,
        layers=int(case["layers"]),
        fixed=given.fixed,
        supercell=(size, size),
        vacuum=float(case["vacuum"]),
    )
    if clean.structure is None or clean.state == "failed":
        raise ScientificFailureError(clean.reason)
    search = Search(clean.as_slab(), clean.structure, geometry_level, folder, fmax=0.02)
    ends = search.quick(search.starts(fragment, sites, 1)).ends
    if not ends:
        raise ScientificFailureError(f"no start of {fragment.label} relaxed")
    engine = get_periodic_engine(slab_level(level, mesh))
    alone = engine.single_point(clean.structure, folder / "clean")
    whole = engine.single_point(ends[0].structure, folder / "whole")
    gas = gas_energy(x2 or fragment, level)
    if gas.energy_ev is None:
        raise ScientificFailureError(gas.reason)
    return _Energies(
        whole_ev=whole.energy_ev,
        clean_ev=alone.energy_ev,
        gas_ev=gas.energy_ev,
        work_function_ev=alone.work_function_ev,
        site=search.place(ends[0]).name,
    )
