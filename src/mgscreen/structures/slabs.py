"""Slabs of any crystal by Miller index, and the distinct places on them for an adsorbate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure, Fragment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LAYER_TOLERANCE = 0.3
"""Atoms whose heights differ by less than this belong to one layer, angstrom."""
EDGE = 1e-4
"""A place on the edge of the cell counts once, fractional."""
SAME_SITE = 0.15
"""Sites that fall on each other within this are one, angstrom."""


@dataclass(frozen=True)
class Slab:
    """A slab whose third cell vector is its normal, open along it.

    Attributes
    ----------
    structure
        The atoms, lowest layer first, with one fragment of role ``slab``.
    fixed
        Indices of the atoms of the fixed layers.
    layers
        Layer of each atom, 0 the lowest.
    symmetric
        Whether an operation of the slab exchanges its two sides.
    termination
        Number of the termination, of ``n_terminations`` distinct ones.
    """

    structure: AtomicStructure
    fixed: tuple[int, ...]
    layers: tuple[int, ...]
    miller: tuple[int, int, int]
    supercell: tuple[int, int]
    vacuum_a: float
    symmetric: bool
    termination: int
    n_terminations: int

    @property
    def n_layers(self) -> int:
        """How many layers there are."""
        return max(self.layers) + 1

    @property
    def area_a2(self) -> float:
        """Area of one side, square angstrom."""
        cell = self.structure.to_ase().cell[:]
        return float(np.linalg.norm(np.cross(cell[0], cell[1])))


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


def build_slab(
    bulk: AtomicStructure,
    miller: tuple[int, int, int],
    *,
    layers: int = 4,
    fixed_layers: int = 2,
    supercell: tuple[int, int] = (3, 3),
    vacuum_a: float = 15.0,
    termination: int = 0,
) -> Slab:
    """Cut a slab from a crystal.

    Parameters
    ----------
    bulk
        The crystal, relaxed at the level of the slab.
    miller
        Indices with respect to the conventional cell; (0, 0, 1) for the basal plane of hcp.
    layers
        Layers of atoms; where the repeat of the crystal is longer than a layer (a compound), the
        slab is the thinnest stack of whole repeats that has at least as many.
    fixed_layers
        Lowest layers to hold.
    supercell
        Repeats of the surface cell.
    vacuum_a
        Empty space between a slab and its image, angstrom.
    termination
        Which of the distinct terminations, in a stable order.

    Raises
    ------
    InputError
        If a number makes no slab.
    """
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    if layers < 1 or not 0 <= fixed_layers < layers or min(supercell) < 1 or vacuum_a <= 0:
        raise InputError(
            f"a slab of {layers} layers, {fixed_layers} of them fixed, supercell {supercell} and "
            f"{vacuum_a} angstrom of vacuum cannot be built"
        )
    if not any(miller):
        raise InputError("the Miller indices of a surface are not all zero")
    crystal = AseAtomsAdaptor.get_structure(bulk.to_ase())
    conventional = SpacegroupAnalyzer(crystal, symprec=0.01).get_conventional_standard_structure()
    cuts = _terminations(conventional, miller, layers, vacuum_a)
    if not 0 <= termination < len(cuts):
        raise InputError(
            f"{bulk.label or bulk.formula}{miller} has {len(cuts)} terminations, asked for number "
            f"{termination} (counted from 0)"
        )
    cut = cuts[termination]
    symmetric = bool(cut.is_symmetric())
    atoms = _upright(cut, layers, vacuum_a)
    atoms = atoms.repeat((*supercell, 1))
    order = np.lexsort(
        (atoms.positions[:, 0].round(3), atoms.positions[:, 1].round(3), _layers(atoms.positions))
    )
    atoms = atoms[order]
    layer = _layers(atoms.positions)
    label = f"{bulk.label or crystal.composition.reduced_formula}({''.join(map(str, miller))})"
    structure = AtomicStructure.from_ase(
        atoms,
        label=f"{label} p({supercell[0]}x{supercell[1]})",
        fragments=(Fragment(name="slab", role="slab", atoms=tuple(range(len(atoms)))),),
    )
    return Slab(
        structure=structure,
        fixed=tuple(i for i, number in enumerate(layer) if number < fixed_layers),
        layers=tuple(int(n) for n in layer),
        miller=miller,
        supercell=supercell,
        vacuum_a=vacuum_a,
        symmetric=symmetric,
        termination=termination,
        n_terminations=len(cuts),
    )


def _layers(positions: Array) -> NDArray[np.int64]:
    heights = positions[:, 2]
    order = np.argsort(heights, kind="stable")
    number = np.zeros(len(heights), dtype=np.int64)
    current, last = 0, heights[order[0]]
    for i in order:
        if heights[i] - last > LAYER_TOLERANCE:
            current += 1
        last = heights[i]
        number[i] = current
    return number


def _terminations(crystal: Any, miller: tuple[int, int, int], layers: int, vacuum: float) -> Any:
    from pymatgen.core.surface import SlabGenerator

    repeats = 1
    while True:
        generator = SlabGenerator(
            crystal,
            miller,
            min_slab_size=repeats,
            min_vacuum_size=vacuum,
            in_unit_planes=True,
            lll_reduce=False,
            center_slab=False,
            primitive=True,
            max_normal_search=max(abs(m) for m in miller) or 1,
        )
        cuts = generator.get_slabs(symmetrize=False)
        counts = [int(_layers(_standing(cut).positions).max()) + 1 for cut in cuts]
        if all(n >= layers for n in counts):
            return cuts
        repeats += 1


def _standing(cut: Any) -> Any:
    """Return the slab as ASE atoms, its surface in the xy plane."""
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(cut, msonable=False)
    atoms.set_constraint()
    # the shortest surface vectors, at 90 to 120 degrees, so that p(3x3) means what it says
    rows = _reduced(atoms.cell[:])
    atoms.set_cell(rows, scale_atoms=False)
    # first vector along x, second in the xy plane; positions follow
    atoms.set_cell(atoms.cell.standard_form()[0], scale_atoms=True)
    scaled = atoms.get_scaled_positions(wrap=False)
    # a slab may cross the edge of its cell: start above the widest gap
    heights = np.sort(scaled[:, 2] % 1.0)
    gaps = np.diff(np.append(heights, heights[0] + 1.0))
    start = heights[(int(np.argmax(gaps)) + 1) % len(heights)]
    scaled[:, 2] = (scaled[:, 2] - start + 1e-6) % 1.0 - 1e-6
    atoms.set_scaled_positions(scaled)
    return atoms


def _reduced(cell: Array) -> Array:
    """Gauss-reduce the first two vectors; the cell stays right-handed."""
    a, b = cell[0].copy(), cell[1].copy()
    if a @ a > b @ b:
        a, b = b, a
    while True:
        b -= np.round(float(a @ b) / float(a @ a) - 1e-8) * a
        if b @ b >= a @ a - 1e-8:
            break
        a, b = b, a
    if a @ b > 1e-8:  # noqa: PLR2004 - numerical zero
        b = b - a if (b - a) @ (b - a) < b @ b + 1e-6 else -b
    if np.linalg.det(np.array([a, b, cell[2]])) < 0:
        a, b = b, a
    return np.array([a, b, cell[2]])


def _upright(cut: Any, layers: int, vacuum: float) -> Any:
    atoms = _standing(cut)
    number = _layers(atoms.positions)
    if len(set(atoms.get_chemical_symbols())) == 1:
        # an element: any number of layers is a slab of the same composition
        atoms = atoms[number >= number.max() + 1 - layers]
    cell = atoms.cell[:].copy()
    heights = atoms.positions[:, 2]
    thickness = float(heights.max() - heights.min())
    cell[2] = (0.0, 0.0, thickness + vacuum)
    atoms.positions[:, 2] += vacuum / 2 - heights.min()
    atoms.set_cell(cell)
    atoms.pbc = (True, True, False)
    atoms.positions[:] = _wrapped(atoms.positions, cell)
    return atoms


def _wrapped(positions: Array, cell: Array) -> Array:
    scaled = positions @ np.linalg.inv(cell)
    scaled[:, :2] = (scaled[:, :2] + 1e-6) % 1.0 - 1e-6
    return np.asarray(scaled @ cell, dtype=float)


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
    operations = _plane_operations(slab)
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
    places: list[tuple[str, Array, tuple[int, ...]]] = [
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
    places += [
        ("bridge", (points[i] + points[j]) / 2, (copies[i][0], copies[j][0]))
        for i, j in sorted(edges - longest_of_square)
    ]
    return [p for p in places + hollows if _inside(p[1], cell)]


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


def _plane_operations(slab: Slab) -> list[tuple[Array, Array]]:
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


def _equivalent(a: Array, b: Array, atoms: Any, operations: list[tuple[Array, Array]]) -> bool:
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
