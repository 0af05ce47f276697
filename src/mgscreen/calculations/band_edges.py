"""Band edges of an insulator against the Fermi level of the anode metal, aligned by vacuum.

Two calculations: the bulk gives the edges above its averaged electrostatic potential, a slab gives
that averaged potential below vacuum (A. Baldereschi, S. Baroni, R. Resta, Phys. Rev. Lett. 61, 734
(1988): averages over one repeat). The metal stands at minus its measured work function. Neither
the dipole of a real interface nor charge transfer across it is in this: it is the limit of Anderson
(1960), good for saying which band is far away.

PBE puts the valence band too high and the conduction band too low; the gap stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.electronic_solid import METALLIC, PBE_GAP_ERROR, symmetrised
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.energetics.electrodes import electrode
from mgscreen.structures.crystals import check_crystal, is_layered
from mgscreen.structures.slabs import build_slab

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.structures.slabs import Slab

    Array = NDArray[np.float64]

LAYERS = 5
VACUUM_A = 12.0
FLAT_EV = 0.05
"""The potential of a slab's middle may differ by this between neighbouring repeats, eV."""
PLANES = {225: (0, 0, 1), 136: (1, 1, 0)}
"""Plane by which a structure type is known to cleave: rock salt and rutile, by space group."""


class BandEdgesDocument(Document):
    """Where the bands of an insulator lie against vacuum and the anode metal."""

    phase: str = ""
    miller: tuple[int, int, int] = (0, 0, 1)
    metal: str = "Mg"
    work_function_ev: float | None = Field(default=None, description="of the metal, measured")
    work_function_source: str = ""
    gap_ev: float | None = Field(default=None, description="Kohn-Sham, of the bulk")
    valence_ev: float | None = Field(default=None, description="band edge vs vacuum, eV")
    conduction_ev: float | None = Field(default=None, description="band edge vs vacuum, eV")
    vacuum_step_ev: float | None = Field(
        default=None, description="vacuum level above the averaged potential inside, eV"
    )
    flatness_ev: float | None = Field(
        default=None, description="how much the averaged potential changes in the slab's middle"
    )
    layers: int = 0
    n_atoms: int = 0
    profile_a: list[float] = Field(default_factory=list, description="heights, angstrom")
    profile_ev: list[float] = Field(
        default_factory=list, description="plane-averaged potential below vacuum, eV"
    )

    def properties(self) -> list[PropertyValue]:
        """Both edges against the metal's Fermi level; positive: above it."""
        if self.state == "failed" or self.valence_ev is None or self.conduction_ev is None:
            return []
        plane = "".join(str(i) for i in self.miller)
        surface = f"{self.phase}({plane}), cut, vacuum alignment"
        work = self.work_function_ev
        where = {"unit": "eV", "environment": "surface"}
        scale = f"{self.metal} at -{work:g} eV (work function); {surface}" if work else surface
        missing = "" if work else f"{self.metal} has no work function here: no single value stands"
        rows = []
        for name, edge in (("vbm", self.valence_ev), ("cbm", self.conduction_ev)):
            rows += [
                PropertyValue(property=f"{name}_vs_vacuum", value=edge, reference=surface, **where),
                PropertyValue(
                    property=f"{name}_vs_anode_fermi",
                    value=None if work is None else edge + work,
                    reference=scale,
                    reason=missing or PBE_GAP_ERROR,
                    **where,
                ),
            ]
        return rows


@calculation("band_edges", BandEdgesDocument)
def band_edges(
    crystal: CrystalDocument | dict[str, Any],
    level: Level,
    miller: tuple[int, int, int] | None = None,
    metal: str = "Mg",
    layers: int = LAYERS,
    *,
    identity: str = "",
) -> BandEdgesDocument:
    """Align the bands of a crystal with the Fermi level of a metal through vacuum.

    Parameters
    ----------
    crystal
        Relaxed.
    level
        ``gpaw:pbe``.
    miller
        Surface of the slab; None: the plane by which its type cleaves (layers, rock salt, rutile).
    metal
        Of the anode.
    layers
        Of the slab, at least.
    identity
        Set by the calculation's frame.

    Returns
    -------
    BandEdgesDocument
        Failed where the crystal is a metal, the slab's two sides differ, or no plane is known.
    """
    from mgscreen.engines.gpaw import GpawEngine
    from mgscreen.engines.gpaw_edges import potential

    relaxed = CrystalDocument.model_validate(crystal)
    if relaxed.state == "failed" or relaxed.structure is None:
        raise ScientificFailureError(f"the crystal failed: {relaxed.reason or 'no structure'}")
    if level.engine != "gpaw":
        raise ScientificFailureError(f"{level} has no electrons: band edges need gpaw")
    engine = GpawEngine(level.model_copy(update={"dispersion": None}))
    folder = runtime().workdir(identity)
    structure = symmetrised(relaxed.structure)
    slab = _slab(structure, miller, layers)
    bulk = potential(engine, structure, folder / "bulk")
    gap = bulk.conduction_ev - bulk.valence_ev
    if gap < METALLIC:
        raise ScientificFailureError(f"{structure.label} is a metal: there are no band edges")
    open_cell = potential(engine, slab.structure, folder / "slab")
    repeat = _repeat(structure, slab)
    vacuum = float((open_cell.averages_ev[0] + open_cell.averages_ev[-1]) / 2)
    inside, flatness = _middle(slab, open_cell.heights_a, open_cell.averages_ev, repeat)
    step = vacuum - inside
    document = BandEdgesDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=slab.structure,
        converged={"scf": True},
        phase=structure.label or structure.formula,
        miller=slab.miller,
        metal=metal,
        work_function_ev=electrode(metal).work_function,
        work_function_source=electrode(metal).work_function_source,
        gap_ev=gap,
        valence_ev=bulk.valence_ev - bulk.mean_ev - step,
        conduction_ev=bulk.conduction_ev - bulk.mean_ev - step,
        vacuum_step_ev=step,
        flatness_ev=flatness,
        layers=slab.n_layers,
        n_atoms=len(slab.structure.symbols),
        profile_a=[round(float(z), 3) for z in open_cell.heights_a],
        profile_ev=[round(float(v) - vacuum, 4) for v in open_cell.averages_ev],
    )
    document.warnings.append(
        "the slab is cut and not relaxed; no dipole of an interface with the metal"
    )
    if flatness > FLAT_EV:
        document.warnings.append(
            f"the averaged potential changes by {flatness:.2f} eV in the middle of the slab: more "
            "layers are needed"
        )
    return document


def cleavage_plane(crystal: AtomicStructure) -> tuple[int, int, int]:
    """Return the plane by which a crystal of a known type cleaves.

    Raises
    ------
    InputError
        For other types: the plane has to be given.
    """
    if is_layered(crystal):
        return (0, 0, 1)
    number = check_crystal(crystal).number
    if number not in PLANES:
        raise InputError(
            f"no plane is known by which {crystal.label or crystal.formula} cleaves: give one"
        )
    return PLANES[number]


def _slab(crystal: AtomicStructure, miller: tuple[int, int, int] | None, layers: int) -> Slab:
    try:
        plane = cleavage_plane(crystal) if miller is None else miller
        slab = build_slab(
            crystal,
            (plane[0], plane[1], plane[2]),
            layers=layers,
            fixed_layers=0,
            supercell=(1, 1),
            vacuum_a=VACUUM_A,
        )
    except InputError as error:
        raise ScientificFailureError(error.message) from None
    if not slab.symmetric:
        raise ScientificFailureError(
            f"the two sides of {slab.structure.label} differ: they have two vacuum levels"
        )
    return slab


def _repeat(crystal: AtomicStructure, slab: Slab) -> float:
    """Thickness of one formula unit's worth of slab times units per repeat: volume over area.

    The average over the volume of the primitive cell, spread over the slab's area.
    """
    volume = abs(float(crystal.to_ase().get_volume()))
    per_atom = volume / len(crystal.symbols)
    height = per_atom * len(slab.structure.symbols) / slab.area_a2
    units = max(1, round(height / _spacing(slab, height)))
    return height / units


def _spacing(slab: Slab, height: float) -> float:
    """Distance after which the layers of a slab repeat, from its heights and elements."""
    import numpy as np

    z = np.asarray(slab.structure.positions)[:, 2]
    symbols = np.array(slab.structure.symbols)
    layers = np.array(slab.layers)
    count = int(layers.max()) + 1
    contents = [tuple(sorted(symbols[layers == n])) for n in range(count)]
    means = [float(z[layers == n].mean()) for n in range(count)]
    for period in range(1, count):
        same = all(contents[n] == contents[n + period] for n in range(count - period))
        gaps = [means[n + period] - means[n] for n in range(count - period)]
        if same and max(gaps) - min(gaps) < 0.05:  # noqa: PLR2004 - angstrom
            return gaps[0]
    return height


def _middle(slab: Slab, heights: Array, averages: Array, repeat: float) -> tuple[float, float]:
    """Average the potential over one repeat in the middle of the slab.

    Returns it with its change when the window moves by half a repeat either way.
    """
    import numpy as np
    from scipy.interpolate import CubicSpline

    z = np.asarray(slab.structure.positions)[:, 2]
    centre = float(z.max() + z.min()) / 2
    # the potential is steep at the layers: straight lines between points of the grid cost 0.1 eV
    curve = CubicSpline(heights, averages)

    def window(at: float) -> float:
        return float(curve.integrate(at - repeat / 2, at + repeat / 2)) / repeat

    inside = window(centre)
    shifted = [window(centre + s * repeat / 2) for s in (-1, 1)]
    return inside, max(abs(v - inside) for v in shifted)
