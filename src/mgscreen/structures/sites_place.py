"""Put a fragment on the sites of a slab, turned in several ways, each start once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.structures.radii import contact_distance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.structures.sites import Operation, Site

    Array = NDArray[np.float64]

SAME_START = 0.25
"""Starts whose atoms all fall on each other within this are one, angstrom."""
TILT_DEG = 7.0
"""A molecule starts tilted by this much, so that no mirror plane of site and molecule holds it."""


@dataclass(frozen=True)
class Start:
    """A slab with a fragment placed on it.

    Attributes
    ----------
    name
        Site and orientation: ``fcc``, ``top/F down``, ``hcp/flat``.
    structure
        The slab's atoms first, then those of the fragment.
    """

    name: str
    site: str
    orientation: str
    structure: AtomicStructure

    @property
    def below(self) -> bool:
        """Whether it starts below the surface."""
        return self.site.startswith("subsurface")


def placements(
    slab: AtomicStructure,
    fragment: AtomicStructure,
    sites: Sequence[Site],
    *,
    orientations: int,
    operations: Sequence[Operation],
) -> list[Start]:
    """Return the distinct starts of a fragment on a slab, in a stable order.

    The anchor of an orientation lies above the site, as high as the first pair of atoms comes to
    its usual contact distance. Below the surface only single atoms are put.

    Parameters
    ----------
    slab
        Relaxed clean slab, its normal along z.
    fragment
        Alone, any position.
    sites
        Of the slab.
    orientations
        At most this many of a molecule on each site; an atom has one.
    operations
        Of the slab's plane group, to drop starts that they map on each other.
    """
    turned = orient(fragment, orientations)
    starts: list[Start] = []
    for site in sites:
        for label, positions, anchor in turned:
            if site.normal_distance < -SAME_START and len(positions) > 1:
                continue
            placed = _placed(slab, fragment, positions, anchor, site)
            whole = joined(slab, fragment, placed)
            if any(
                same_adsorbate(whole, other.structure, len(slab.symbols), operations)
                for other in starts
            ):
                continue
            name = f"{site.name}/{label}" if label else site.name
            starts.append(Start(name, site.name, label, whole))
    return starts


def orient(fragment: AtomicStructure, most: int) -> list[tuple[str, Array, int]]:
    """Return a fragment turned in up to ``most`` ways: each kind of end downwards, and flat.

    Returns
    -------
    list of (label, positions, anchor)
        Positions, shape (n, 3), about their centre; the label names the element that points
        downwards, and the anchor is the index of the atom that goes above the site.
    """
    xyz = np.asarray(fragment.positions, dtype=float)
    xyz = xyz - xyz.mean(axis=0)
    if len(xyz) == 1:
        return [("", xyz, 0)]
    middle = int(np.argmin(np.linalg.norm(xyz, axis=1)))
    ends = [(f"{fragment.symbols[i]} down", way, i) for i, way in _ends(fragment, xyz)]
    flat = ("flat", _flat(xyz), middle)
    found: list[tuple[str, Array, int]] = []
    for label, down, anchor in [*ends[:1], flat, *ends[1:]]:
        taken = sum(name.split(" (")[0] == label for name, _, _ in found)
        name = f"{label} ({taken + 1})" if taken else label
        found.append((name, _tilted(_turned(xyz, down)), anchor))
    return found[:most]


def joined(slab: AtomicStructure, fragment: AtomicStructure, positions: Array) -> AtomicStructure:
    """Return the slab with a fragment at these positions (angstrom); no net charge or spin."""
    n, m = len(slab.symbols), len(fragment.symbols)
    name = fragment.label or fragment.formula
    return AtomicStructure(
        symbols=(*slab.symbols, *fragment.symbols),
        positions=(
            *slab.positions,
            *((float(x), float(y), float(z)) for x, y, z in np.round(positions, 6)),
        ),
        cell=slab.cell,
        pbc=slab.pbc,
        fragments=(
            Fragment(name="slab", role="slab", atoms=tuple(range(n))),
            Fragment(name=name, role="adsorbate", atoms=tuple(range(n, n + m))),
        ),
        label=f"{name} on {slab.label}",
    )


def same_adsorbate(
    first: AtomicStructure,
    second: AtomicStructure,
    n_slab: int,
    operations: Sequence[Operation],
    *,
    within_a: float = SAME_START,
) -> bool:
    """Tell whether an operation of the slab maps one adsorbate on the other.

    Atoms of the same element may change places; the slab's own atoms are not compared.
    """
    from scipy.optimize import linear_sum_assignment

    cell = np.asarray(first.cell, dtype=float)
    inverse = np.linalg.inv(cell)
    one = np.asarray(first.positions)[n_slab:] @ inverse
    two = np.asarray(second.positions)[n_slab:] @ inverse
    if abs(one[:, 2].mean() - two[:, 2].mean()) * cell[2, 2] > within_a:
        return False
    symbols = np.array(first.symbols[n_slab:])
    other = np.array(second.symbols[n_slab:])
    wrong = np.where(symbols[:, None] == other[None, :], 0.0, 1e3)
    for rotation, shift in operations:
        apart = (one @ np.asarray(rotation).T + shift)[:, None, :] - two[None, :, :]
        apart[..., :2] -= np.round(apart[..., :2])
        distance = np.linalg.norm(apart @ cell, axis=2) + wrong
        if distance.min(axis=1).max() > within_a:
            continue
        rows, columns = linear_sum_assignment(distance)
        if distance[rows, columns].max() <= within_a:
            return True
    return False


def _placed(
    slab: AtomicStructure, fragment: AtomicStructure, positions: Array, anchor: int, site: Site
) -> Array:
    at = np.asarray(site.position, dtype=float)
    moved = positions - positions[anchor] + at
    if site.normal_distance < -SAME_START:
        return np.asarray(moved)
    atoms = slab.to_ase()
    cell = np.asarray(slab.cell, dtype=float)
    surface = np.array(
        [
            p + a * cell[0] + b * cell[1]
            for p in atoms.positions
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
        ]
    )
    kinds = [s for s in slab.symbols for _ in range(9)]
    lift = 0.0
    for symbol, row in zip(fragment.symbols, moved, strict=True):
        reach = np.array([contact_distance(k, symbol) for k in kinds])
        flat = np.linalg.norm(surface[:, :2] - row[:2], axis=1)
        near = flat < reach
        height = surface[near, 2] + np.sqrt(reach[near] ** 2 - flat[near] ** 2) - row[2]
        lift = max(lift, float(height.max(initial=0.0)))
    return np.asarray(moved + np.array([0.0, 0.0, lift]))


def _ends(fragment: AtomicStructure, xyz: Array) -> list[tuple[int, Array]]:
    """Directions from the centre to one atom of each kind, heteroatoms first."""
    import networkx as nx

    from mgscreen.structures.bonds import bond_graph

    graph = nx.Graph(bond_graph(fragment).edges)
    graph.add_nodes_from(range(len(xyz)))
    nx.set_node_attributes(graph, {i: fragment.symbols[i] for i in graph}, "symbol")
    alike = nx.weisfeiler_lehman_subgraph_hashes(graph, node_attr="symbol", iterations=3)
    heavy = {"H": 3, "C": 2}
    open_shell = _undercoordinated(fragment, graph)
    order = sorted(
        range(len(xyz)),
        key=lambda i: (i not in open_shell, heavy.get(fragment.symbols[i], 1), i),
    )
    chosen: list[tuple[int, Array]] = []
    seen: set[str] = set()
    for i in order:
        if alike[i][-1] in seen:
            continue
        seen.add(alike[i][-1])
        direction = xyz[i]
        if np.linalg.norm(direction) < 0.3:  # noqa: PLR2004 - in the middle: away from the others
            around = [xyz[j] - xyz[i] for j in graph.neighbors(i)]
            direction = -np.mean(around, axis=0) if around else np.array([0.0, 0.0, -1.0])
            if np.linalg.norm(direction) < 0.1:  # noqa: PLR2004 - planar: its normal
                direction = _flat(xyz)
        chosen.append((i, direction))
    return chosen


def _undercoordinated(fragment: AtomicStructure, graph: object) -> set[int]:
    """Atoms with fewer neighbours than their valence, which is where a radical binds."""
    usual = {"C": 4, "N": 3, "O": 2, "S": 2}
    degrees = dict(graph.degree())  # type: ignore[attr-defined]
    return {
        i
        for i, s in enumerate(fragment.symbols)
        if fragment.multiplicity > 1 and degrees[i] < usual.get(s, 1)
    }


def _flat(xyz: Array) -> Array:
    """Direction in which the fragment is thinnest."""
    _, _, axes = np.linalg.svd(xyz - xyz.mean(axis=0))
    return np.asarray(axes[-1], dtype=float)


def _turned(xyz: Array, down: Array) -> Array:
    """Rotate such that ``down`` points along -z."""
    from scipy.spatial.transform import Rotation

    a = np.asarray(down, dtype=float) / np.linalg.norm(down)
    b = np.array([0.0, 0.0, -1.0])
    axis = np.cross(a, b)
    sine, cosine = float(np.linalg.norm(axis)), float(a @ b)
    if sine < 1e-8:  # noqa: PLR2004 - parallel
        return xyz if cosine > 0 else np.asarray(xyz * np.array([1.0, -1.0, -1.0]))
    turn = Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine))
    return np.asarray(turn.apply(xyz), dtype=float)


def _tilted(xyz: Array) -> Array:
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [TILT_DEG, TILT_DEG / 2, TILT_DEG], degrees=True)
    return np.asarray(turn.apply(xyz), dtype=float)
