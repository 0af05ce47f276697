"""Harmonic vibrations; an imaginary mode is followed down to a minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.steps import absent, once, provenance, relax, single_point, value
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.base import MolecularEngine
    from mgscreen.engines.level import Level

TEMPERATURE_K = 298.15
PRESSURE_PA = 1e5
FOLLOW_A = 0.2
"""Largest displacement of an atom when an imaginary mode is followed, angstrom: past the inflection
of a shallow torsion, far from breaking a bond."""
SOFT_CM1 = 50.0
"""Below this, the rigid-rotor harmonic-oscillator entropy of a mode is unreliable (S. Grimme,
Chem. Eur. J. 18, 9955 (2012)); such modes are counted in a warning."""
LINEAR = 1e-3
"""Smallest moment of inertia over the largest, below which a molecule counts as linear."""


class FrequenciesDocument(Document):
    """Harmonic vibrations of the final geometry (``structure``), a minimum where completed.

    The Gibbs correction is that of the rigid rotor and harmonic oscillator in the ideal gas, no
    scaling, no treatment of soft modes.
    """

    wavenumbers_cm1: list[float] = Field(
        default_factory=list, description="ascending; negative: imaginary"
    )
    n_imaginary: int | None = None
    lowest_cm1: float | None = None
    zero_point_energy_ev: float | None = None
    gibbs_correction_ev: float | None = Field(
        default=None, description="G - E(electronic) at 298.15 K and 1 bar, ideal gas, RRHO"
    )
    symmetry_number: int | None = Field(default=None, description="rotational")
    n_followed: int = Field(default=0, description="imaginary modes that were followed")
    followed_cm1: list[float] = Field(default_factory=list, description="their wavenumbers")
    energy_ev: float | None = Field(default=None, description="electronic, of the final geometry")

    def properties(self) -> list[PropertyValue]:
        """Return the lowest wavenumber, the imaginary ones, ZPE and Gibbs correction."""
        names = ("lowest_frequency", "n_imaginary", "zero_point_energy", "gibbs_correction")
        if self.state == "failed":
            return absent(names, self.reason, self.level)
        reference = "ideal gas, 298.15 K, 1 bar, RRHO"
        rows = [
            value("n_imaginary", self.n_imaginary, self.level),
            value("zero_point_energy", self.zero_point_energy_ev, self.level),
            value("gibbs_correction", self.gibbs_correction_ev, self.level, reference=reference),
        ]
        if self.lowest_cm1 is not None:
            rows.append(value("lowest_frequency", self.lowest_cm1, self.level))
        return rows


class _Vibrations(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wavenumbers_cm1: list[float]
    lowest_mode: list[list[float]]
    warnings: list[str]


@calculation("frequencies", FrequenciesDocument)
def harmonic_frequencies(
    structure: AtomicStructure, level: Level, max_follow: int = 3, identity: str = ""
) -> FrequenciesDocument:
    """Compute harmonic vibrations at a minimum.

    The geometry is optimised at ``level`` first (one gradient where it already is). While a mode is
    imaginary, the geometry is displaced along it in both directions, the lower one is optimised
    again on finer settings, and the vibrations are computed again with those.

    Parameters
    ----------
    structure
        Geometry, charge and multiplicity.
    level
        Level of theory.
    max_follow
        How often an imaginary mode is followed.
    identity
        Set by the calculation's frame.

    Returns
    -------
    FrequenciesDocument
        Failed, with the wavenumber in the reason, where an imaginary mode remains. ``settings`` are
        those of the final geometry and vibrations.
    """
    folder = runtime().workdir(identity)
    engine = get_engine(level)
    geometry = _optimised(engine, structure, folder / "start")
    followed: list[float] = []
    warnings: list[str] = []
    while True:
        step = folder / f"vibrations-{len(followed)}"
        vibrations = _vibrations(engine, geometry, step)
        imaginary = [w for w in vibrations.wavenumbers_cm1 if w < 0]
        if not imaginary or len(followed) >= max_follow:
            break
        followed.append(imaginary[0])
        engine = get_engine(finer(level))
        geometry = _follow(engine, geometry, vibrations.lowest_mode, step / "follow")
    warnings += vibrations.warnings
    document = FrequenciesDocument(
        **provenance(engine),
        structure=geometry,
        wavenumbers_cm1=vibrations.wavenumbers_cm1,
        n_imaginary=len(imaginary),
        lowest_cm1=min(vibrations.wavenumbers_cm1, default=None),
        n_followed=len(followed),
        followed_cm1=followed,
        converged={"geometry": True, "minimum": not imaginary},
        warnings=warnings,
    )
    if imaginary:
        document.state = "failed"
        document.reason = (
            f"{len(imaginary)} imaginary mode(s) remain after following {len(followed)}: lowest "
            f"{imaginary[0]:.1f} cm-1"
        )
        return document
    document.energy_ev = single_point(engine, geometry, folder / "final").energy_ev
    _thermochemistry(document, geometry)
    return document


def finer(level: Level) -> Level:
    """Return a level with finer settings of the same method, to settle a shallow mode."""
    settings = get_engine(level).settings()
    finer_settings: dict[str, Any] = {}
    if level.engine == "xtb":
        finer_settings = {
            "fmax": min(settings["fmax"], 0.001),
            "accuracy": min(settings["accuracy"], 0.01),
        }
    elif level.engine == "pyscf":
        finer_settings = {
            "grid": max(settings["grid"], 4),
            "relax_grid": max(settings["relax_grid"], 4),
            "relax_fmax": min(settings["relax_fmax"], 0.003),
        }
    return level.model_copy(update={"settings": {**level.settings, **finer_settings}})


def _optimised(
    engine: MolecularEngine, structure: AtomicStructure, folder: Path
) -> AtomicStructure:
    end = relax(engine, structure, folder)
    if not end.converged:
        raise ScientificFailureError(
            f"the geometry did not converge in {end.steps} steps (largest force "
            f"{end.max_force_ev_per_a:.3f} eV/A): vibrations need a stationary point"
        )
    return end.structure


def _vibrations(engine: MolecularEngine, structure: AtomicStructure, folder: Path) -> _Vibrations:
    def compute() -> _Vibrations:
        if len(structure.symbols) == 1:
            return _Vibrations(wavenumbers_cm1=[], lowest_mode=[], warnings=[])
        folder.mkdir(parents=True, exist_ok=True)
        result = engine.vibrations(structure, folder)
        order = result.wavenumbers_cm1.argsort()
        return _Vibrations(
            wavenumbers_cm1=[float(w) for w in result.wavenumbers_cm1[order]],
            lowest_mode=result.modes[order[0]].tolist(),
            warnings=list(result.warnings),
        )

    return once(folder / "vibrations.json", _Vibrations, compute)


def _follow(
    engine: MolecularEngine, structure: AtomicStructure, mode: list[list[float]], folder: Path
) -> AtomicStructure:
    """Displace along a mode both ways, and optimise from the lower side."""
    import numpy as np

    shift = np.asarray(mode)
    shift *= FOLLOW_A / np.linalg.norm(shift, axis=1).max()
    centre = np.asarray(structure.positions)
    sides = {
        name: structure.with_positions(np.round(centre + sign * shift, 8))
        for name, sign in (("plus", 1.0), ("minus", -1.0))
    }
    energies = {
        name: single_point(engine, side, folder / name).energy_ev for name, side in sides.items()
    }
    lower = min(energies, key=lambda name: energies[name])
    return _optimised(engine, sides[lower], folder / "geometry")


def _thermochemistry(document: FrequenciesDocument, structure: AtomicStructure) -> None:
    """Enter ZPE and Gibbs correction."""
    from ase.thermochemistry import IdealGasThermo
    from ase.units import invcm

    atoms = structure.to_ase()
    energies = [w * invcm for w in document.wavenumbers_cm1]
    shape = _shape(structure)
    sigma = _symmetry_number(structure)
    thermo = IdealGasThermo(
        vib_energies=energies,
        geometry=shape,
        potentialenergy=0.0,
        atoms=atoms,
        symmetrynumber=sigma,
        spin=(structure.multiplicity - 1) / 2,
    )
    document.zero_point_energy_ev = sum(energies) / 2
    document.gibbs_correction_ev = float(
        thermo.get_gibbs_energy(TEMPERATURE_K, PRESSURE_PA, verbose=False)
    )
    document.symmetry_number = sigma
    soft = [w for w in document.wavenumbers_cm1 if w < SOFT_CM1]
    if soft:
        document.warnings.append(
            f"{len(soft)} mode(s) below {SOFT_CM1:g} cm-1: their harmonic entropy is unreliable"
        )


def _shape(structure: AtomicStructure) -> Literal["monatomic", "linear", "nonlinear"]:
    if len(structure.symbols) == 1:
        return "monatomic"
    atoms: Any = structure.to_ase()
    moments = atoms.get_moments_of_inertia()
    return "linear" if moments[0] < LINEAR * moments[-1] else "nonlinear"


def _symmetry_number(structure: AtomicStructure) -> int:
    """Rotational symmetry number of the final geometry (1 for an atom)."""
    from pymatgen.core.structure import Molecule
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    if len(structure.symbols) == 1:
        return 1
    molecule = Molecule(list(structure.symbols), [list(p) for p in structure.positions])
    return int(PointGroupAnalyzer(molecule, tolerance=0.05).get_rotational_symmetry_number())
