"""The clean slab: what an adsorption energy is measured against, its Fermi level and work function.

The slab is cut from a crystal relaxed at the same level and relaxed itself, so that nothing of its
own relaxation is counted as adsorption. A second level can take the geometry over for a single
point; the document then names both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.periodic import EnergyConvention, get_periodic_engine
from mgscreen.structures.slabs import Slab, build_slab

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine

KPT_DENSITY = 3.9
"""k-points per reciprocal angstrom: 3x3x1 on Mg(0001) p(3x3), as in the preset."""

SOFT = 15.0
"""First guess of the curvatures of a metal and what lies on it, eV/angstrom^2."""


class SlabDocument(Document):
    """A clean slab; ``structure`` is the relaxed one, ``cut`` as it was cut from the crystal."""

    slab_label: str = ""
    geometry_level: str = Field(default="", description="level of the geometry")
    energy_ev: float | None = Field(default=None, description="of the whole slab, eV")
    energy_convention: EnergyConvention = "unknown"
    cut: AtomicStructure | None = None
    fixed: tuple[int, ...] = Field(default=(), description="atoms that are held")
    layers: tuple[int, ...] = Field(default=(), description="layer of each atom, 0 the lowest")
    miller: tuple[int, int, int] = (0, 0, 1)
    supercell: tuple[int, int] = (1, 1)
    vacuum_a: float = 0.0
    symmetric: bool = False
    termination: int = 0
    n_terminations: int = 1
    fermi_ev: float | None = Field(default=None, description="of the clean slab vs vacuum, eV")
    work_function_ev: float | None = Field(default=None, description="upper side, eV")
    work_function_lower_ev: float | None = Field(default=None, description="lower side, eV")
    interlayer_relaxation_percent: float | None = None
    max_force_ev_per_a: float | None = None
    steps: int = Field(default=0, description="force calls")

    def as_slab(self) -> Slab:
        """Return the slab as it was cut, with its exact symmetry.

        Raises
        ------
        ScientificFailureError
            If this document failed.
        """
        if self.cut is None:
            raise ScientificFailureError(f"there is no slab: {self.reason or 'it failed'}")
        return Slab(
            structure=self.cut,
            fixed=self.fixed,
            layers=self.layers,
            miller=self.miller,
            supercell=self.supercell,
            vacuum_a=self.vacuum_a,
            symmetric=self.symmetric,
            termination=self.termination,
            n_terminations=self.n_terminations,
        )

    def properties(self) -> list[PropertyValue]:
        """Energy, work function, Fermi level and relaxation of the uppermost layer."""
        if self.state == "failed" or self.energy_ev is None:
            return []
        where = {"environment": "slab"}
        rows = [
            PropertyValue(
                property="slab_energy",
                value=self.energy_ev,
                unit="eV",
                reference="zero of the level",
                **where,
            ),
            PropertyValue(
                property="interlayer_relaxation",
                value=self.interlayer_relaxation_percent,
                unit="%",
                reference="crystal at the level of the geometry",
                **where,
            ),
        ]
        if self.work_function_ev is None:
            reason = f"{self.level} gives no electronic states"
            rows += [
                PropertyValue(property=name, unit="eV", state="failed", reason=reason, **where)
                for name in ("work_function", "fermi_level")
            ]
        else:
            rows += [
                PropertyValue(
                    property="work_function",
                    value=self.work_function_ev,
                    unit="eV",
                    reference="vacuum above the upper side",
                    **where,
                ),
                PropertyValue(
                    property="fermi_level",
                    value=-self.work_function_ev,
                    unit="eV",
                    reference="vacuum above the upper side",
                    **where,
                ),
            ]
        return rows


@calculation("slab", SlabDocument)
def clean_slab(  # noqa: PLR0913, PLR0917 - what a slab is made of
    crystal: AtomicStructure,
    level: Level,
    miller: tuple[int, int, int] = (0, 0, 1),
    layers: int = 4,
    fixed: int = 2,
    supercell: tuple[int, int] = (3, 3),
    vacuum: float = 15.0,
    termination: int = 0,
    hold: Literal["bottom", "middle"] = "bottom",
    label: str = "",
    *,
    identity: str = "",
) -> SlabDocument:
    """Cut a slab from a crystal and relax it.

    Parameters
    ----------
    crystal
        Relaxed at the level of the slab.
    level
        A level for slabs; for DFT with the k-mesh of the slab, see ``slab_level``.
    miller, layers, fixed, supercell, vacuum, termination, hold
        See ``mgscreen.structures.slabs.build_slab``.
    label
        Name of the slab in the campaign.
    identity
        Set by the calculation's frame.

    Returns
    -------
    SlabDocument
        Failed where the relaxation does not converge.
    """
    slab = build_slab(
        crystal,
        (miller[0], miller[1], miller[2]),
        layers=layers,
        fixed_layers=fixed,
        supercell=(supercell[0], supercell[1]),
        vacuum_a=vacuum,
        termination=termination,
        hold=hold,
    )
    engine = get_periodic_engine(level)
    folder = runtime().workdir(identity)
    end = engine.relax(slab.structure, folder, fixed=slab.fixed)
    document = SlabDocument(
        **provenance_of(engine),
        **_described(slab),
        slab_label=label or slab.structure.label,
        geometry_level=str(level),
        structure=end.structure,
        energy_ev=end.energy_ev,
        energy_convention=end.energy_convention,
        interlayer_relaxation_percent=_interlayer(slab, end.structure),
        max_force_ev_per_a=end.max_force_ev_per_a,
        steps=end.steps,
        converged={"relaxation": end.converged},
        warnings=list(end.warnings),
    )
    if not end.converged:
        document.state = "failed"
        document.reason = (
            f"the clean slab did not relax in {end.steps} steps; the largest force is "
            f"{end.max_force_ev_per_a:.3f} eV/angstrom"
        )
    elif level.engine == "gpaw":
        _electronic(document, engine, folder / "single-point")
    return document


@calculation("slab", SlabDocument)
def slab_single_point(slab: SlabDocument, level: Level, *, identity: str = "") -> SlabDocument:
    """Compute energy, Fermi level and work function of a slab at the geometry of another level.

    Parameters
    ----------
    slab
        Relaxed clean slab.
    level
        A DFT level, with the k-mesh of the slab.
    identity
        Set by the calculation's frame.
    """
    geometry = slab.structure
    if slab.state == "failed" or geometry is None:
        raise ScientificFailureError(f"there is no slab: {slab.reason or 'it failed'}")
    engine = get_periodic_engine(level)
    document = SlabDocument(
        **{
            **slab.model_dump(
                include={
                    "slab_label", "geometry_level", "fixed", "layers", "miller", "supercell",
                    "vacuum_a", "symmetric", "termination", "n_terminations",
                    "interlayer_relaxation_percent",
                }
            ),
            **provenance_of(engine),
        },
        cut=slab.cut,
        structure=geometry,
        energy_convention=engine.energy_convention,
        warnings=list(slab.warnings),
    )  # fmt: skip
    _electronic(document, engine, runtime().workdir(identity))
    document.steps = 1
    document.converged = {"scf": True}
    return document


def slab_level(level: Level, kpts: tuple[int, int, int] | None = None) -> Level:
    """Return a level with the k-mesh of a slab; a potential has none.

    Parameters
    ----------
    level
        A level for slabs.
    kpts
        The mesh; None: the one of the level's settings, else ``KPT_DENSITY``.
    """
    if level.engine == "mlip":
        return level
    settings = dict(level.settings)
    if kpts is not None:
        settings["kpts"] = list(kpts)
    elif settings.get("kpts") is None:
        settings["kpt_density_a"] = KPT_DENSITY
    return level.model_copy(update={"settings": settings})


def with_force(level: Level, fmax: float, max_steps: int | None = None) -> Level:
    """Return a level whose relaxations end at this force (eV/angstrom), or after these steps.

    Its optimiser starts from the curvatures of a metal.
    """
    settings = {**level.settings, "fmax": fmax, "curvature": SOFT}
    if max_steps is not None:
        settings["max_steps"] = max_steps
    return level.model_copy(update={"settings": settings})


def provenance_of(engine: PeriodicEngine) -> dict[str, Any]:
    """Return the fields of a document that say what computed it."""
    return {
        "level": str(engine.level),
        "code": engine.code,
        "code_version": engine.code_version,
        "settings": engine.settings(),
    }


def _described(slab: Slab) -> dict[str, Any]:
    return {
        "cut": slab.structure,
        "fixed": slab.fixed,
        "layers": slab.layers,
        "miller": slab.miller,
        "supercell": slab.supercell,
        "vacuum_a": slab.vacuum_a,
        "symmetric": slab.symmetric,
        "termination": slab.termination,
        "n_terminations": slab.n_terminations,
    }


def _electronic(document: SlabDocument, engine: PeriodicEngine, folder: Path) -> None:
    if document.structure is None:  # pragma: no cover - set by both callers
        return
    point = engine.single_point(document.structure, folder)
    document.energy_ev = point.energy_ev
    document.work_function_ev = point.work_function_ev
    document.work_function_lower_ev = point.work_function_lower_ev
    if point.work_function_ev is not None:
        document.fermi_ev = -point.work_function_ev
    document.warnings += point.warnings


def _interlayer(slab: Slab, end: AtomicStructure) -> float | None:
    """Change of the distance of the two uppermost layers, percent."""
    import numpy as np

    if slab.n_layers < 2:  # noqa: PLR2004 - a distance takes two
        return None
    layers = np.array(slab.layers)
    gaps = []
    for structure in (slab.structure, end):
        heights = np.asarray(structure.positions)[:, 2]
        upper, lower = (heights[layers == slab.n_layers - k].mean() for k in (1, 2))
        gaps.append(float(upper - lower))
    return 100.0 * (gaps[1] / gaps[0] - 1.0)
