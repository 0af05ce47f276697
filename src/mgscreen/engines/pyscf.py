"""Density functional theory through PySCF; see ``MolecularEngine`` for the methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers

from mgscreen.engines.base import (
    ElectronicResult,
    RelaxationResult,
    SurfacePotential,
    VibrationResult,
)
from mgscreen.engines.device import needs_gpu, require_gpu4pyscf
from mgscreen.engines.orbitals import frontier, per_atom, square_root
from mgscreen.engines.pyscf_basis import remarks
from mgscreen.engines.pyscf_dispersion import dispersion
from mgscreen.engines.pyscf_scf import build_mol, check_level
from mgscreen.engines.pyscf_state import electronic_state
from mgscreen.engines.units import BOHR_A, HARTREE_EV
from mgscreen.engines.versions import engine_version

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

CONTAMINATED = 0.1
"""<S2> this far above s(s+1) is worth a warning"""


class PyscfEngine:
    """A Kohn-Sham level of theory in a Gaussian basis.

    Raises
    ------
    InputError
        If the functional, the basis or a setting is unknown.
    MissingEngineError
        If the level asks for a GPU and gpu4pyscf is not installed.
    """

    code = "pyscf"

    def __init__(self, level: Level) -> None:
        self.level = level
        self._settings = check_level(level)
        if needs_gpu(self._settings):
            require_gpu4pyscf()

    @property
    def code_version(self) -> str:
        """Version of PySCF."""
        return engine_version("pyscf")

    def settings(self) -> dict[str, Any]:
        """Return every setting, with the defaults filled in."""
        return dict(self._settings)

    def single_point(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> ElectronicResult:
        """Converge the electronic state; ``guess`` is a checkpoint of any state of these atoms.

        Raises
        ------
        ScientificFailureError
            If the SCF does not converge, or the basis lacks an element.
        """
        state, path = electronic_state(structure, self.level, self._settings, workdir, guess)
        mol = build_mol(structure, self.level, self._settings)
        n_atoms = mol.natm
        atoms = np.array([int(label[0]) for label in mol.ao_labels(fmt=None)])
        root = square_root(mol.intor_symmetric("int1e_ovlp"))
        orthogonal = [root @ block for block in state.mo_coeff]
        spins = [
            frontier(energies, occupations, block, atoms, n_atoms)
            for energies, occupations, block in zip(
                state.mo_energy, state.mo_occ, orthogonal, strict=True
            )
        ]
        electrons = [
            per_atom((block**2) @ occupations, atoms, n_atoms)
            for block, occupations in zip(orthogonal, state.mo_occ, strict=True)
        ]
        warnings = remarks(self.level.basis, mol.basis)
        s = (structure.multiplicity - 1) / 2
        if state.s_squared - s * (s + 1) > CONTAMINATED:
            warnings.append(
                f"spin contamination: <S2> is {state.s_squared:.3f}, "
                f"a pure state has {s * (s + 1):g}"
            )
        energy, _ = dispersion(
            self.level,
            np.array([atomic_numbers[symbol] for symbol in structure.symbols]),
            np.array(structure.positions) / BOHR_A,
            structure.charge,
        )
        return ElectronicResult(
            energy_ev=(state.energy + energy) * HARTREE_EV,
            alpha=spins[0],
            beta=spins[1] if len(spins) > 1 else None,
            spin_populations=electrons[0] - electrons[1] if len(electrons) > 1 else None,
            charges=mol.atom_charges() - np.sum(electrons, axis=0),
            s_squared=state.s_squared,
            recovery=list(state.recovery),
            warnings=warnings,
            checkpoint=path,
        )

    def relax(self, structure: AtomicStructure, workdir: Path) -> RelaxationResult:
        """Optimise with geomeTRIC; a killed optimisation goes on and ends in the same numbers.

        Raises
        ------
        ScientificFailureError
            If the SCF does not converge at some step.
        """
        from mgscreen.engines.pyscf_relax import relax

        return relax(structure, self.level, self._settings, workdir)

    def vibrations(self, structure: AtomicStructure, workdir: Path) -> VibrationResult:
        """Harmonic vibrations: analytic where PySCF has it, else from differences of forces."""
        from mgscreen.engines.pyscf_vib import vibrations

        return vibrations(structure, self.level, self._settings, workdir)

    def surface_potential(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> SurfacePotential:
        """Electrostatic potential on the isodensity surface."""
        from mgscreen.engines.pyscf_surface import surface_potential

        state, _ = electronic_state(structure, self.level, self._settings, workdir, guess)
        mol = build_mol(structure, self.level, self._settings)
        return surface_potential(mol, state.density(), self._settings)

    def density_cube(
        self, structure: AtomicStructure, workdir: Path, path: Path, guess: Path | None = None
    ) -> None:
        """Write the electron density as a cube file."""
        from mgscreen.engines.pyscf_surface import write_density_cube

        state, _ = electronic_state(structure, self.level, self._settings, workdir, guess)
        mol = build_mol(structure, self.level, self._settings)
        write_density_cube(path, mol, state.density())


def n_basis_functions(structure: AtomicStructure, level: Level) -> int:
    """Return the number of basis functions, for a cost estimate."""
    return int(build_mol(structure, level, check_level(level)).nao)
