"""The distinct places on a slab for an adsorbate, and which of them a position is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.structures.slabs import LAYER_TOLERANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.structures.slabs import Slab

    Array = NDArray[np.float64]
    Operation = tuple[Array, Array]

EDGE = 1e-4
"""A place on the edge of the cell counts once, fractional."""
SAME_SITE = 0.15
"""Sites that fall on each other within this are one, angstrom."""


@dataclass(frozen=True)
class Site:
    """A place for an adsorbate.

    Attributes
    ----------
    name
        ``top``, ``bridge``, ``hcp``, ``fcc``, ``hollow``, ``subsurface-octahedral``,
        ``subsurface-tetrahedral`` or ``subsurface``; numbered (``top-2``) where there are several.
    position
        Cartesian, angstrom; on the plane of the uppermost layer, or between layers.
    normal_distance
        Height above the uppermost atom, angstrom; negative below the surface.
    neighbours
        Atoms that make the site.
    multiplicity
        How many equivalent ones there are in the cell.
    """

    name: str
    position: tuple[float, float, float]
    normal_distance: float
    neighbours: tuple[int, ...]
    multiplicity: int


def adsorption_sites(slab: Slab, *, subsurface: bool = True) -> list[Site]:
    """Return the places on the upper side that symmetry makes distinct, in a stable order.

    On top of each kind of atom of the uppermost layer, on the bridges and in the hollows of its
    Delaunay triangulation; a threefold hollow of a close-packed metal is ``hcp`` where an atom of
    the second layer lies below it, else ``fcc``. Subsurface places are the octahedral and
    tetrahedral interstices between the two uppermost layers. Two places are the same where an
    operation of the slab's plane group (spglib, upper side kept) maps them on each other.
    """
    atoms = slab.structure.to_ase()
    layer = np.array(slab.layers)
    top = np.flatnonzero(layer == layer.max())
    places = _surface_places(atoms, top)
    if subsurface and layer.max() > 0:
        second = np.flatnonzero(layer == layer.max() - 1)
        places += _subsurface_places(atoms, top, second)
    operations = plane_operations(slab)
    groups: list[list[tuple[str, Array, tuple[int, ...]]]] = []
    for place in places:
        for group in groups:
            if group[0][0] == place[0] and _equivalent(group[0][1], place[1], atoms, operations):
                if all(_apart(p[1], place[1], atoms) > SAME_SITE for p in group):
                    group.append(place)
                break
        else:
            groups.append([place])
    return _named(groups, atoms, top)


def _surface_places(atoms: Any, top: NDArray[np.int64]) -> list[tuple[str, Array, tuple[int, ...]]]:
    from scipy.spatial import Delaunay

    cell = atoms.cell[:]
    copies = [
        (int(i), atoms.positions[i] + a * cell[0] + b * cell[1])
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
        for i in top
    ]
    points = np.array([p for _, p in copies])
    mesh = Delaunay(points[:, :2] + 1e-7 * points[:, 1:3] * [1.0, 0.0])
    # the atoms of the cell, wherever in it or beside it they are written
    tops: list[tuple[str, Array, tuple[int, ...]]] = [
        ("top", atoms.positions[i].copy(), (int(i),)) for i in top
    ]
    edges = {tuple(sorted((int(t[a]), int(t[b])))) for t in mesh.simplices for a, b in _PAIRS}
    longest_of_square = set()
    hollows: list[tuple[str, Array, tuple[int, ...]]] = []
    for simplex, neighbours in zip(mesh.simplices, mesh.neighbors, strict=True):
        corners = points[simplex]
        lengths = [float(np.linalg.norm(corners[a] - corners[b])) for a, b in _PAIRS]
        longest = int(np.argmax(lengths))
        a, b = _PAIRS[longest]
        opposite = int(neighbours[3 - a - b])
        if _right_angled(lengths) and opposite >= 0:
            # two halves of a rectangle: one fourfold hollow at its middle, no bridge there
            edge = tuple(sorted((int(simplex[a]), int(simplex[b]))))
            longest_of_square.add(edge)
            ring = sorted({*map(int, simplex), *map(int, mesh.simplices[opposite])})
            hollows.append(
                ("hollow", (corners[a] + corners[b]) / 2, tuple(copies[k][0] for k in ring))
            )
        else:
            hollows.append(
                ("hollow", corners.mean(axis=0), tuple(copies[int(k)][0] for k in simplex))
            )
    bridges = [
        ("bridge", (points[i] + points[j]) / 2, (copies[i][0], copies[j][0]))
        for i, j in sorted(edges - longest_of_square)
    ]
    return tops + [p for p in bridges + hollows if _inside(p[1], cell)]


_PAIRS = ((0, 1), (0, 2), (1, 2))


def _right_angled(lengths: list[float]) -> bool:
    a, b, c = sorted(lengths)
    return abs(a * a + b * b - c * c) < 0.02 * c * c


def _inside(position: Array, cell: Array) -> bool:
    scaled = position @ np.linalg.inv(cell)
    return bool(((scaled[:2] > -EDGE) & (scaled[:2] < 1 - EDGE)).all())


def _subsurface_places(
    atoms: Any, top: NDArray[np.int64], second: NDArray[np.int64]
) -> list[tuple[str, Array, tuple[int, ...]]]:
    """Voronoi vertices between the two uppermost layers, the largest holes."""
    from scipy.spatial import Voronoi

    cell = atoms.cell[:]
    indices = [*map(int, top), *map(int, second)]
    copies = [
        (i, atoms.positions[i] + a * cell[0] + b * cell[1])
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
        for i in indices
    ]
    points = np.array([p for _, p in copies])
    low, high = atoms.positions[list(second), 2].mean(), atoms.positions[list(top), 2].mean()
    places: list[tuple[str, Array, tuple[int, ...]]] = []
    for vertex in Voronoi(points).vertices:
        if not (low + 0.1 < vertex[2] < high - 0.1) or not _inside(vertex, cell):
            continue
        distance = np.linalg.norm(points - vertex, axis=1)
        shell = np.flatnonzero(distance < distance.min() + 0.2)
        kind = {6: "subsurface-octahedral", 4: "subsurface-tetrahedral"}.get(
            len(shell), "subsurface"
        )
        members = tuple(sorted(copies[int(k)][0] for k in shell))
        if all(np.linalg.norm(p[1] - vertex) > SAME_SITE for p in places):
            places.append((kind, vertex, members))
    return places


def plane_operations(slab: Slab) -> list[Operation]:
    """Return the operations (fractional rotation, shift) that keep the slab and its upper side."""
    import spglib

    atoms = slab.structure.to_ase()
    cell = (atoms.cell[:], atoms.get_scaled_positions(wrap=False), atoms.numbers)
    found = spglib.get_symmetry(cell, symprec=0.01)
    if found is None:
        return [(np.eye(3), np.zeros(3))]
    return [
        (np.asarray(r, dtype=float), np.asarray(t, dtype=float))
        for r, t in zip(found["rotations"], found["translations"], strict=True)
        if r[2, 2] == 1 and not r[2, :2].any() and abs(t[2] - round(t[2])) < 1e-3  # noqa: PLR2004
    ]


def _equivalent(a: Array, b: Array, atoms: Any, operations: list[Operation]) -> bool:
    inverse = np.linalg.inv(atoms.cell[:])
    start = a @ inverse
    return any(
        _apart((rotation @ start + shift) @ atoms.cell[:], b, atoms) < SAME_SITE
        for rotation, shift in operations
    )


def _apart(a: Array, b: Array, atoms: Any) -> float:
    scaled = (a - b) @ np.linalg.inv(atoms.cell[:])
    scaled[:2] -= np.round(scaled[:2])
    return float(np.linalg.norm(scaled @ atoms.cell[:]))


_ORDER = (
    "top",
    "bridge",
    "hcp",
    "fcc",
    "hollow",
    "subsurface-octahedral",
    "subsurface-tetrahedral",
    "subsurface",
)


def _named(
    groups: list[list[tuple[str, Array, tuple[int, ...]]]], atoms: Any, top: NDArray[np.int64]
) -> list[Site]:
    highest = float(atoms.positions[list(top), 2].max())
    single = len({atoms.symbols[int(i)] for i in range(len(atoms))}) == 1
    found: list[tuple[str, tuple[float, float, float], tuple[int, ...], int]] = []
    for group in groups:
        kind, position, members = min(
            group, key=lambda p: (round(float(p[1][1]), 3), round(float(p[1][0]), 3))
        )
        if kind == "hollow" and single and _close_packed(position, atoms, highest):
            kind = "hcp" if _atom_below(position, atoms, highest) else "fcc"
        x, y, z = (float(c) for c in position)
        found.append((kind, (x, y, z), members, len(group)))
    found.sort(key=lambda s: (_ORDER.index(s[0]), -s[1][2], s[3], s[1][1], s[1][0]))
    counts = {kind: sum(s[0] == kind for s in found) for kind in _ORDER}
    seen = dict.fromkeys(_ORDER, 0)
    sites = []
    for kind, place, members, number in found:
        seen[kind] += 1
        name = kind if counts[kind] == 1 else f"{kind}-{seen[kind]}"
        sites.append(Site(name, place, place[2] - highest, members, number))
    return sites


def _close_packed(position: Array, atoms: Any, highest: float) -> bool:
    """Whether exactly three atoms of the uppermost layer are nearest, at 120 degrees around."""
    top = atoms.positions[atoms.positions[:, 2] > highest - LAYER_TOLERANCE]
    cell = atoms.cell[:]
    around = np.array(
        [
            p + a * cell[0] + b * cell[1] - position
            for p in top
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
        ]
    )[:, :2]
    reach = np.linalg.norm(around, axis=1)
    nearest = around[reach < 1.05 * reach.min()]
    return len(nearest) == 3 and float(np.linalg.norm(nearest.sum(axis=0))) < 0.1 * reach.min()  # noqa: PLR2004


def _atom_below(position: Array, atoms: Any, highest: float) -> bool:
    """Whether an atom of the next layer lies straight below."""
    lower = atoms.positions[atoms.positions[:, 2] < highest - LAYER_TOLERANCE]
    if not len(lower):
        return False
    second = lower[lower[:, 2] > lower[:, 2].max() - LAYER_TOLERANCE]
    flat = np.array([position[0], position[1], 0.0])
    return any(_apart(flat, np.array([x, y, 0.0]), atoms) < 0.5 for x, y, _ in second)  # noqa: PLR2004


@dataclass(frozen=True)
class Place:
    """Where on a slab a position lies.

    Attributes
    ----------
    name
        Name of the nearest site; ``subsurface`` or ``surface`` where that side has none.
    lateral_a
        Distance from it in the plane, angstrom; None where there is none.
    """

    name: str
    lateral_a: float | None


def nearest_site(
    position: Array, sites: list[Site], slab: Slab, operations: list[Operation], *, below: bool
) -> Place:
    """Return the site that a position lies at, any of its equivalent ones.

    Parameters
    ----------
    position
        Cartesian, angstrom, in the cell of ``slab``.
    sites
        The slab's sites.
    slab
        The slab as it was cut: its symmetry is exact.
    operations
        Of ``plane_operations``.
    below
        Whether the position lies below the surface; only such sites are compared then.
    """
    atoms = slab.structure.to_ase()
    cell, inverse = atoms.cell[:], np.linalg.inv(atoms.cell[:])
    best, closest = Place("subsurface" if below else "surface", None), float("inf")
    for site in sites:
        if (site.normal_distance < -SAME_SITE) != below:
            continue
        start = np.asarray(site.position) @ inverse
        for rotation, shift in operations:
            apart = (rotation @ start + shift - position @ inverse)[:2]
            apart -= np.round(apart)
            lateral = float(np.linalg.norm(apart @ cell[:2]))
            if lateral < closest - 1e-6:
                best, closest = Place(site.name, lateral), lateral
    return best
