"""A converged electronic state: made, kept on disk, used as the start of another.

A state is kept as an ``.npz`` (plain arrays and one JSON text, nothing that runs code) under a key
that holds everything that can change it: structure, level, program version, and the state that it
was started from. So what lies on disk is the result itself, not a hint: a job that asks for the
same state takes it without an SCF, and no result depends on which job ran first.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pyscf import gto, lib
from pyscf.scf import addons

from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.engines.orbitals import square_root
from mgscreen.engines.pyscf_gpu import converge, mean_field, on_host
from mgscreen.engines.pyscf_scf import build_mol
from mgscreen.engines.steps import write_atomically
from mgscreen.engines.versions import engine_version

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]


@dataclass
class ScfState:
    """Orbitals of a converged state; arrays have a leading spin axis of length 1 or 2."""

    key: str
    own: str
    """the key without the starting guess"""
    energy: float
    """hartree, without dispersion"""
    s_squared: float
    mo_energy: Array
    mo_coeff: Array
    mo_occ: Array
    atoms: dict[str, Any]
    """symbols, positions (angstrom), basis, cart: to move the orbitals to another geometry"""
    recovery: list[str] = field(default_factory=list)

    def density(self) -> Array:
        """Total density matrix, shape (n_ao, n_ao)."""
        return np.asarray(
            sum((c * o) @ c.T for c, o in zip(self.mo_coeff, self.mo_occ, strict=True))
        )

    def into(self, mf: Any) -> None:
        """Give the orbitals to a mean field of the same state, as if it had converged to them."""
        restricted = len(self.mo_coeff) == 1
        mf.mo_energy = self.mo_energy[0] if restricted else self.mo_energy
        mf.mo_coeff = self.mo_coeff[0] if restricted else self.mo_coeff
        mf.mo_occ = self.mo_occ[0] if restricted else self.mo_occ
        mf.e_tot, mf.converged = self.energy, True

    def save(self, path: Path) -> None:
        """Write the state, atomically."""
        meta = {
            "key": self.key,
            "own": self.own,
            "energy": self.energy.hex(),
            "s_squared": self.s_squared.hex(),
            "atoms": self.atoms,
            "recovery": self.recovery,
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            meta=np.array(json.dumps(meta)),
            mo_energy=self.mo_energy,
            mo_coeff=self.mo_coeff,
            mo_occ=self.mo_occ,
        )
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> ScfState | None:
        """Read a state; None if there is none, or none that can be read."""
        try:
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(str(data["meta"]))
                return cls(
                    key=meta["key"],
                    own=meta["own"],
                    energy=float.fromhex(meta["energy"]),
                    s_squared=float.fromhex(meta["s_squared"]),
                    mo_energy=data["mo_energy"],
                    mo_coeff=data["mo_coeff"],
                    mo_occ=data["mo_occ"],
                    atoms=meta["atoms"],
                    recovery=list(meta["recovery"]),
                )
        except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile):
            return None


def own_key(structure: AtomicStructure, level: Level, settings: dict[str, Any]) -> str:
    """Return the key of a state that is started from the default guess."""
    # How a geometry is relaxed does not change the state at a geometry.
    electronic = {
        k: v for k, v in settings.items() if not k.startswith(("relax_", "esp_", "max_s"))
    }
    if electronic.get("device") == "cpu":
        del electronic["device"]  # states from before there was a choice keep their keys
    bare = structure.model_copy(update={"fragments": ()})
    return digest(
        {
            "structure": bare,
            # the identity of a structure rounds; an energy here belongs to exact positions
            "positions": [[float(x).hex() for x in row] for row in structure.positions],
            "level": str(level),
            "settings": electronic,
            "version": engine_version("pyscf"),
            "format": 1,
        }
    )


def place(key: str, workdir: Path) -> Path:
    """Return the file of a state: shared by all jobs of a campaign where there is a scratch."""
    scratch = runtime().scratch
    if scratch is None:
        return workdir / f"scf-{key}.npz"
    return scratch / "scf" / key[:2] / f"{key}.npz"


def electronic_state(
    structure: AtomicStructure,
    level: Level,
    settings: dict[str, Any],
    workdir: Path,
    guess: Path | None = None,
) -> tuple[ScfState, Path]:
    """Return the converged state of a structure, from disk if it lies there.

    Raises
    ------
    ScientificFailureError
        If the SCF does not converge.
    """
    own = own_key(structure, level, settings)
    start = ScfState.load(guess) if guess is not None else None
    if start is not None and start.own == own:
        assert guess is not None  # noqa: S101 - for the type checker
        return start, guess
    key = own if start is None else digest({"own": own, "from": start.key})
    path = place(key, workdir)
    kept = ScfState.load(path)
    if kept is not None and kept.key == key:
        return kept, path
    with lib.with_omp_threads(runtime().threads):
        mol = build_mol(structure, level, settings)
        mf = mean_field(mol, level, settings)
        dm0 = None if start is None else density_from(start, mol)
        recovery = converge(mf, level, settings, dm0)
        state = state_of(mf, structure, key=key, own=own, recovery=recovery)
    state.save(path)
    return state, path


def state_of(
    mf: Any,
    structure: AtomicStructure,
    *,
    key: str,
    own: str,
    recovery: list[str],
) -> ScfState:
    """Take the state out of a converged mean field."""
    s_squared = 0.0 if mf.mol.spin == 0 else float(mf.spin_square()[0])
    restricted = mf.mo_coeff.ndim == 2  # noqa: PLR2004 - no spin axis

    def with_spin(value: Any) -> Array:
        found: Array = on_host(value)
        return found[None] if restricted else found

    return ScfState(
        key=key,
        own=own,
        energy=float(mf.e_tot),
        s_squared=s_squared,
        mo_energy=with_spin(mf.mo_energy),
        mo_coeff=with_spin(mf.mo_coeff),
        mo_occ=with_spin(mf.mo_occ),
        atoms={
            "symbols": list(structure.symbols),
            "positions": [list(map(float, row)) for row in structure.positions],
            "basis": dict(mf.mol.basis),
            "cart": bool(mf.mol.cart),
        },
        recovery=recovery,
    )


def density_from(start: ScfState, mol: Any) -> Array | None:
    """Make a starting density for ``mol`` out of the orbitals of another state of its atoms.

    The orbitals are moved to the geometry (by Loewdin orthogonalisation, in the same basis) or
    projected (another basis), and filled from below with the electrons of ``mol``, so that the
    start of an oxidised or reduced state is its parent without or with one electron.

    Returns
    -------
    Shape (n_ao, n_ao) for a closed shell, (2, n_ao, n_ao) for an open one, or None if the state
    is one of other atoms.
    """
    old = gto.Mole()
    old.atom = list(zip(start.atoms["symbols"], start.atoms["positions"], strict=True))
    if [mol.atom_pure_symbol(i) for i in range(mol.natm)] != start.atoms["symbols"]:
        return None
    old.basis, old.cart, old.verbose = start.atoms["basis"], start.atoms["cart"], 0
    old.ecp = mol.ecp
    old.spin = None
    old.build(dump_input=False, parse_arg=False)
    overlap = mol.intor_symmetric("int1e_ovlp")
    coefficients = []
    for block in start.mo_coeff:
        if old.basis == mol.basis and old.cart == mol.cart:
            moved = np.linalg.solve(
                square_root(overlap), square_root(old.intor_symmetric("int1e_ovlp")) @ block
            )
        else:
            moved = addons.project_mo_nr2nr(old, block, mol)
        coefficients.append(moved)
    alpha, beta = coefficients[0], coefficients[-1]
    n_alpha, n_beta = mol.nelec
    dm = []
    for moved, n in ((alpha, n_alpha), (beta, n_beta)):
        occupied = moved[:, :n]
        # projected orbitals have lost a little norm
        inner = occupied.T @ overlap @ occupied
        dm.append(occupied @ np.linalg.solve(inner, occupied.T))
    return dm[0] + dm[1] if mol.spin == 0 else np.array(dm)
