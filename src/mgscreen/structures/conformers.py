"""Conformers of one molecule or ion, by distance geometry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import ScientificFailureError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rdkit.Chem import Mol

PRUNE_A = 0.3
"""Conformers closer than this RMSD (angstrom) count as one."""
_STEPS = 500


@dataclass(frozen=True)
class Conformer:
    """One geometry of a molecule; positions in angstrom, shape (n, 3)."""

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]


def conformers(smiles: str, n: int, seed: int = 0) -> list[Conformer]:
    """Return up to ``n`` different conformers, lowest force-field energy first.

    ETKDGv3 (Wang et al., J. Chem. Inf. Model. 2020, 60, 2044) embeds, MMFF94 cleans up, UFF where
    it has no parameters. The same arguments give the same conformers.

    Raises
    ------
    ScientificFailureError
        If the molecule cannot be embedded.
    """
    return list(_conformers(smiles, n, seed))


@lru_cache(maxsize=64)
def _conformers(smiles: str, n: int, seed: int) -> tuple[Conformer, ...]:
    from rdkit import rdBase

    from mgscreen.candidates.model import read_smiles

    mol = read_smiles(smiles)
    symbols = tuple(a.GetSymbol() for a in mol.GetAtoms())
    if len(symbols) == 1:
        return (Conformer(symbols, np.zeros((1, 3))),)
    with rdBase.BlockLogs():
        ids = _embed(mol, max(4 * n, 12), seed)
        if not ids:
            raise ScientificFailureError(f"no geometry could be embedded for {smiles}")
        energies = _clean_up(mol)
        order = _different(mol, sorted(ids, key=lambda i: (energies.get(i, 0.0), i)), n)
    found = []
    for i in order:
        positions = np.round(mol.GetConformer(i).GetPositions(), 6)
        found.append(Conformer(symbols, positions - positions.mean(axis=0)))
    return tuple(found)


def _embed(mol: Mol, n: int, seed: int) -> list[int]:
    from rdkit.Chem import rdDistGeom

    # crowded borates embed only from random coordinates; a last try without chemical knowledge
    for random, knowledge in ((False, True), (True, True), (True, False)):
        options: Any = rdDistGeom.ETKDGv3()
        options.randomSeed = seed + 1
        options.useRandomCoords = random
        options.useExpTorsionAnglePrefs = knowledge
        options.useBasicKnowledge = knowledge
        options.maxIterations = 50
        options.numThreads = 1
        ids = list(rdDistGeom.EmbedMultipleConfs(mol, n, options))
        if ids:
            return ids
    return []


def _clean_up(mol: Mol) -> dict[int, float]:
    """Relax all conformers in place; energies by conformer, empty where no force field fits."""
    from rdkit.Chem import rdForceFieldHelpers

    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        results = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=_STEPS)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        results = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=_STEPS)
    else:
        return {}
    ids = [c.GetId() for c in mol.GetConformers()]
    return {i: energy for i, (_, energy) in zip(ids, results, strict=True)}


def _different(mol: Mol, order: list[int], n: int) -> list[int]:
    from rdkit.Chem import RemoveHs, rdMolAlign

    heavy = RemoveHs(mol, sanitize=False)
    kept: list[int] = []
    for i in order:
        if len(kept) == n:
            break
        # without symmetry: an equivalent atom order may stay in, which costs one relaxation
        if all(rdMolAlign.AlignMol(heavy, heavy, i, k) > PRUNE_A for k in kept):
            kept.append(i)
    return kept
