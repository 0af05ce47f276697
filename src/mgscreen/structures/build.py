"""First geometries of every species: molecules, ion pairs, salts, solvated ions, clusters."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.structures.bonds import bond_graph
from mgscreen.structures.conformers import conformers
from mgscreen.structures.packing import pack
from mgscreen.structures.poses import Pose, poses
from mgscreen.structures.radii import S_BLOCK, contact_distance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mgscreen.core.species import Component, Species
    from mgscreen.structures.conformers import Conformer

COORDINATED = 1.25
"""A donor is coordinated up to this multiple of its usual distance from the metal."""
_SEARCHED = 12
"""Conformers of a ligand that are tried."""


def guess_structures(species: Species, n: int, seed: int = 0) -> list[AtomicStructure]:
    """Return up to ``n`` first geometries of a species, the most promising first.

    A metal ion is placed at the donor atoms of its ligands, in mono-, bi- and tridentate modes in
    turn, at usual distances; further ligands are turned until they are out of each other's way.
    Ions of several metals get a core with bridging halides: the Mg2(mu-Cl)2 diamond, Mg2(mu-Cl)3,
    and for Mg3Cl4 two diamonds that share the middle metal.

    Parameters
    ----------
    species
        What to build.
    n
        How many; a rigid species may have fewer.
    seed
        The same seed gives the same geometries.

    Raises
    ------
    ScientificFailureError
        If a part cannot be embedded or the species cannot be built.
    """
    if n < 1:
        msg = f"at least one geometry is needed, not {n}"
        raise ValueError(msg)
    metal = species.metal
    ligands = [c for c in species.components if c.role != "metal" for _ in range(c.count)]
    if metal is None:
        if len(ligands) != 1:
            raise ScientificFailureError(f"{species.label} has several parts and no metal ion")
        found = conformers(ligands[0].smiles, n, seed)
        return [_assemble(species, [(ligands[0], one)]) for one in found]
    if not ligands:
        ion = conformers(metal.smiles, 1, seed)[0]
        return [_assemble(species, [(metal, ion)])]
    if metal.count > 1:
        return _clusters(species, metal, ligands, n, seed)
    if len(ligands) == 1:
        ordered = _ordered_poses(ligands[0], metal.name, seed)
        made = (
            _assemble(species, [(metal, _ion(metal, np.zeros(3))), (ligands[0], p)])
            for p in ordered
        )
        return list(islice(made, n))
    return _shells(species, metal, ligands, n, seed)


def coordination(structure: AtomicStructure, metal_index: int) -> list[tuple[int, float]]:
    """Return the donor atoms of a metal with their distances (angstrom), nearest first.

    An atom that is covalently bound to a nearer donor is none itself (the sulfur of a sulfonyl
    group whose oxygen coordinates), nor is another metal ion.
    """
    xyz = np.asarray(structure.positions)
    metal = structure.symbols[metal_index]
    metals = set(structure.atoms_of("metal"))
    distances = np.linalg.norm(xyz - xyz[metal_index], axis=1)
    near = []
    for i, symbol in enumerate(structure.symbols):
        if i == metal_index or i in metals or symbol in S_BLOCK:
            continue
        ratio = distances[i] / contact_distance(metal, symbol)
        if ratio <= COORDINATED:
            near.append((symbol in {"B", "C", "Si", "Al", "P"}, symbol == "S", float(ratio), i))
    graph = bond_graph(structure)
    taken: list[int] = []
    for *_, i in sorted(near):
        symbol = structure.symbols[i]
        hydridic = any(structure.symbols[k] in {"B", "Al"} for k in graph.neighbors(i))
        if symbol in {"B", "Si", "Al"} or (symbol == "H" and not hydridic):
            continue
        if not any(graph.has_edge(i, k) for k in taken):
            taken.append(i)
    return sorted(((i, float(distances[i])) for i in taken), key=lambda pair: (pair[1], pair[0]))


def _ordered_poses(ligand: Component, metal: str, seed: int) -> Iterator[Pose]:
    """Poses of one ligand: bidentate, tridentate, monodentate in turn, each best first."""
    from mgscreen.candidates.donors import donors
    from mgscreen.candidates.model import read_smiles

    found = donors(read_smiles(ligand.smiles))
    if not found:
        raise ScientificFailureError(f"{ligand.name} has no atom that could bind {metal}")
    by_size: dict[int, list[tuple[float, int, Pose]]] = {1: [], 2: [], 3: []}
    for k, conformer in enumerate(conformers(ligand.smiles, _SEARCHED, seed)):
        for pose in poses(conformer, found, metal):
            score = pose.clash + 0.5 * pose.rank - _spread(pose)
            by_size[len(pose.donors)].append((score, k, pose))
    queues = [_varied(by_size[size]) for size in (2, 3, 1)]
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop(0)


def _varied(scored: list[tuple[float, int, Pose]]) -> list[Pose]:
    """Best first, but every conformer once before any comes again."""
    scored.sort(key=lambda item: (round(item[0], 6), item[1]))
    seen: dict[int, int] = {}
    keyed = []
    for place, (_, k, pose) in enumerate(scored):
        seen[k] = seen.get(k, -1) + 1
        keyed.append((seen[k], place, pose))
    return [pose for *_, pose in sorted(keyed, key=lambda item: item[:2])]


def _spread(pose: Pose) -> float:
    """Bite (angstrom) of a chelate: wide ones, in five- and six-membered rings, hold best."""
    if len(pose.donors) == 1:
        return 0.0
    at = pose.positions[list(pose.donors)]
    widths = np.linalg.norm(at[:, None] - at[None], axis=2)
    return float(min(widths.max(), 3.0))


def _shells(
    species: Species, metal: Component, ligands: list[Component], n: int, seed: int
) -> list[AtomicStructure]:
    """Mononuclear complexes of several ligands."""
    from mgscreen.candidates.donors import COORDINATION

    rng = np.random.default_rng(seed)
    choices = [_choices(one, metal.name, seed) for one in ligands]
    none = np.zeros((0, 3))
    made = []
    for k in range(max(2 * n, 4)):
        chosen = _choose(choices, k, COORDINATION[metal.name])
        core = ((metal.name,), np.zeros((1, 3)))
        parts, clash = pack(chosen, np.zeros((len(chosen), 3)), core, rng, none)
        pieces: list[tuple[Component, Pose | Conformer]] = [(metal, _ion(metal, np.zeros(3)))]
        pieces += [
            (c, Pose(p.symbols, x, p.donors, p.rank, 0.0))
            for c, p, x in zip(ligands, chosen, parts, strict=True)
        ]
        made.append((round(clash, 4), k, _assemble(species, pieces)))
    made.sort(key=lambda item: item[:2])
    return [one for *_, one in made[:n]]


def _choices(ligand: Component, metal: str, seed: int) -> dict[int, list[Pose]]:
    """Poses of a ligand by number of donors, at most a few of each."""
    found: dict[int, list[Pose]] = {}
    for pose in _ordered_poses(ligand, metal, seed):
        found.setdefault(len(pose.donors), []).append(pose)
    return {size: rows[:6] for size, rows in found.items()}


def _choose(choices: list[dict[int, list[Pose]]], turn: int, places: int) -> list[Pose]:
    """Pick one pose per ligand so that the shell holds about ``places`` donors."""
    mode = 2 if turn % 3 != 2 else 1  # noqa: PLR2004 - every third guess is monodentate first
    sizes = []
    left = places
    for k, options in enumerate(choices):
        after = len(choices) - k - 1
        fit = [s for s in options if s <= max(1, left - after)]
        size = max((s for s in fit if s <= 2), default=min(options))  # noqa: PLR2004
        if mode == 1 and k == 0:
            size = min(options)
        sizes.append(size)
        left -= size
    return [
        options[size][(turn // 3 + k * (turn % 2)) % len(options[size])]
        for k, (options, size) in enumerate(zip(choices, sizes, strict=True))
    ]


def _clusters(
    species: Species, metal: Component, ligands: list[Component], n: int, seed: int
) -> list[AtomicStructure]:
    from mgscreen.structures.cores import core_of

    rng = np.random.default_rng(seed)
    halides = [c for c in ligands if c.role == "anion"]
    rest = [c for c in ligands if c.role != "anion"]
    centres, bridges, bound = core_of(metal.name, metal.count, halides)
    symbols = (metal.name,) * metal.count + tuple(c.name for c in halides)
    pieces: list[tuple[Component, Pose | Conformer]]
    fixed = [(metal, _ion(metal, centre)) for centre in centres]
    fixed += [(c, _ion(c, at)) for c, at in zip(halides, bridges, strict=True)]
    if not rest:
        return [_assemble(species, list(fixed))]
    choices = {c.smiles: _choices(c, metal.name, seed) for c in rest}
    owners, sizes = _distribute(bound, [choices[c.smiles] for c in rest])
    made = []
    for k in range(max(2 * n, 3)):
        chosen = [
            choices[c.smiles][size][(k + i * (k % 2)) % len(choices[c.smiles][size])]
            for i, (c, size) in enumerate(zip(rest, sizes, strict=True))
        ]
        core = (symbols, np.vstack([centres, bridges]))
        parts, clash = pack(chosen, centres[owners], core, rng, bridges)
        pieces = [*fixed]
        pieces += [
            (c, Pose(p.symbols, x, p.donors, p.rank, 0.0))
            for c, p, x in zip(rest, chosen, parts, strict=True)
        ]
        made.append((round(clash, 4), k, _assemble(species, pieces)))
    made.sort(key=lambda item: item[:2])
    return [one for *_, one in made[:n]]


def _distribute(
    bound: list[int], options: list[dict[int, list[Pose]]]
) -> tuple[list[int], list[int]]:
    """Give each ligand to the metal with the fewest donors, as a chelate where it can be one."""
    shells = list(bound)
    owners, sizes = [], []
    for one in options:
        size = max((s for s in one if s <= 2), default=min(one))  # noqa: PLR2004 - chelates
        owner = shells.index(min(shells))
        shells[owner] += size
        owners.append(owner)
        sizes.append(size)
    return owners, sizes


def _ion(component: Component, at: NDArray[np.float64]) -> Conformer:
    from mgscreen.structures.conformers import Conformer

    symbol = conformers(component.smiles, 1)[0].symbols
    return Conformer(symbol, np.asarray(at, dtype=float).reshape(1, 3))


def _assemble(
    species: Species, pieces: list[tuple[Component, Pose | Conformer]]
) -> AtomicStructure:
    symbols: list[str] = []
    positions: list[tuple[float, ...]] = []
    fragments = []
    for component, piece in pieces:
        start = len(symbols)
        symbols += piece.symbols
        positions += [tuple(float(x) for x in row) for row in np.round(piece.positions, 6)]
        fragments.append(
            Fragment(
                name=component.name,
                role=component.role,
                atoms=tuple(range(start, len(symbols))),
                charge=component.charge,
            )
        )
    return AtomicStructure.model_validate(
        {
            "symbols": tuple(symbols),
            "positions": tuple(positions),
            "charge": species.charge,
            "multiplicity": species.multiplicity,
            "fragments": tuple(fragments),
            "label": species.label,
        }
    )
