"""Band edges and electrostatic potential of a cell by GPAW, for the alignment with vacuum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.engines.periodic_relax import check_distances

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.gpaw import GpawEngine

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Potential:
    """A converged cell.

    Attributes
    ----------
    valence_ev, conduction_ev
        Highest occupied and lowest empty Kohn-Sham level on the k-mesh, eV; equal in a metal.
    heights_a
        Along the third cell vector, shape (n,), angstrom.
    averages_ev
        Electrostatic potential of an electron averaged over the plane at each height, shape (n,),
        eV, on the scale of the levels.
    energy_ev
        Of the cell, eV.
    """

    valence_ev: float
    conduction_ev: float
    heights_a: Array
    averages_ev: Array
    energy_ev: float

    @property
    def mean_ev(self) -> float:
        """The potential averaged over the whole cell, eV."""
        return float(self.averages_ev.mean())


def potential(engine: GpawEngine, structure: AtomicStructure, workdir: Path) -> Potential:
    """Converge a cell and return its band edges and its potential.

    Raises
    ------
    ScientificFailureError
        If the SCF does not converge, or the levels have no edge.
    """
    from ase.dft.bandgap import bandgap
    from gpaw import KohnShamConvergenceError

    atoms: Any = structure.to_ase()
    check_distances(atoms)
    dft = engine.calculator(structure, workdir)
    atoms.calc = dft
    try:
        energy = float(atoms.get_potential_energy())
        gap, highest, lowest = bandgap(dft, output=None)
    except KohnShamConvergenceError:
        raise ScientificFailureError(
            f"{engine.level}: the SCF did not converge; see {workdir / 'gpaw.txt'}"
        ) from None
    except ValueError as error:
        raise ScientificFailureError(f"{engine.level}: no band edges: {error}") from None
    if highest[0] is None or lowest[0] is None or gap <= 0:
        valence = conduction = float(dft.get_fermi_level())
    else:
        valence, conduction = (
            float(dft.get_eigenvalues(kpt=k, spin=s)[n]) for s, k, n in (highest, lowest)
        )
    averages = np.asarray(dft.get_electrostatic_potential(), dtype=np.float64).mean(axis=(0, 1))
    length = float(np.linalg.norm(atoms.cell[2]))
    n = len(averages)
    # along an open direction the grid has no point on the border
    open_end = not structure.pbc[2]
    heights = (np.arange(n) + (1 if open_end else 0)) * length / (n + (1 if open_end else 0))
    return Potential(valence, conduction, heights, averages, energy)
