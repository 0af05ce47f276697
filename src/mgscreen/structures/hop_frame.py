"""Hops of one mechanism in one crystal: their orbits, their supercells and their endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.hop_network import (
    Network,
    Operation,
    cartesian,
    clearance,
    most_freedom,
    passes_site,
    turned_least,
    undirected,
)
from mgscreen.structures.percolation import Edge, cycle_translations, percolation_dimension
from mgscreen.structures.supercells import (
    Matrix,
    keeps_lattice,
    make_supercell,
    supercell_matrix,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.structures.layers import Layers

    Array = NDArray[np.float64]

LONGEST = 7.5
"""No longer hop is looked for unless it is asked for, angstrom."""
SHELL = 0.1
"""Hops whose lengths differ by less belong to one shell, angstrom."""
SPARE = 0.5
"""By how much every other image of the end is further away than the end, angstrom."""

Mechanism = Literal["vacancy", "interstitial", "surface"]
Layer = Literal["", "in-plane", "across"]


@dataclass(frozen=True)
class Hop:
    """One of the symmetry-distinct hops of a crystal, in a supercell with one defect.

    Attributes
    ----------
    name
        ``vacancy-1`` and so on, the shortest first.
    species
        Element that hops.
    initial, final
        Same atoms in the same order, at the positions of the perfect crystal but for the mobile
        one. The mobile atom of ``final`` is the image nearest to that of ``initial``, not wrapped
        into the cell. All vacancy hops into one kind of site start from the same ``initial`` atoms,
        and so do all interstitial hops from one kind of site: their energy is needed once.
    mobile
        Index of the mobile atom.
    distance_a
        Length of the straight line, angstrom.
    direction
        Cartesian unit vector from start to end.
    multiplicity
        How many symmetry-equal hops leave one start site.
    symmetric
        Whether an operation of the crystal that keeps the supercell maps ``initial`` onto
        ``final``: their energies are equal.
    operation
        One operation that exchanges ``initial`` and ``final``, None if there is none. Of several,
        one that leaves most freedom to a path that is its own image: a mirror plane (the midpoint
        stays in a plane), then a twofold axis (on a line), then an inversion centre (at a point).
    operations
        All operations that exchange the two, ``operation`` first.
    mapping
        One operation that maps ``initial`` onto ``final``, whether or not it maps ``final`` back,
        None unless ``symmetric``: it turns the relaxed start into the relaxed end.
    start_site, end_site
        Numbers of the symmetry-distinct sites.
    edges
        All symmetry-equal hops, each once per primitive cell and in one sense: site, site,
        primitive translation of the second.
    layer
        For layered crystals, whether hops of this kind stay in a layer or gap.
    nearest_a
        Distance of the middle of the straight line from the nearest other atom, angstrom: a small
        one says that the line runs into an atom.
    matrix
        The supercell, in vectors of the primitive cell.
    fixed
        Indices of the atoms that are held: the lower layers of a slab.
    """

    name: str
    mechanism: Mechanism
    species: str
    initial: AtomicStructure
    final: AtomicStructure
    mobile: int
    distance_a: float
    direction: tuple[float, float, float]
    multiplicity: int
    symmetric: bool
    operation: Operation | None
    operations: tuple[Operation, ...]
    mapping: Operation | None
    start_site: int
    end_site: int
    edges: tuple[Edge, ...]
    layer: Layer
    nearest_a: float
    matrix: Matrix
    fixed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What all hops of one mechanism in one crystal share.

    Attributes
    ----------
    primitive
        The primitive cell; for a surface, that of the slab, upright, with its vacuum.
    layers
        Of a layered crystal.
    dimensions
        In how many dimensions the hops together are to percolate, if they can.
    hold_below_a
        Atoms of a slab that lie lower are held, angstrom.
    """

    primitive: AtomicStructure
    network: Network
    mechanism: Mechanism
    species: str
    layers: Layers | None
    min_supercell_a: float
    keep_symmetry: bool
    dimensions: int = 3
    hold_below_a: float | None = None


def hops_of(
    frame: Frame, max_distance_a: float | None, *, shells: int, min_clearance_a: float = 0.0
) -> list[Hop]:
    """Return the symmetry-distinct hops of a frame, the shortest first.

    Parameters
    ----------
    frame
        Sites, symmetry and supercells.
    max_distance_a
        Longest hop, angstrom; None: at least ``shells`` shells, and as far as it takes to percolate
        in ``frame.dimensions`` dimensions, but not beyond ``LONGEST``.
    min_clearance_a
        A hop whose straight line comes closer to an atom is left out, angstrom.

    Raises
    ------
    InputError
        If no vacancy hop is short enough.
    """
    network = frame.network
    longest = LONGEST if max_distance_a is None else max_distance_a
    orbits = [
        orbit
        for orbit in network.orbits(network.steps(longest))
        if not passes_site(network, min(orbit))
        and _distance(frame, min(orbit), np.linspace(0, 1, 21)) >= min_clearance_a
    ]
    orbits.sort(key=lambda orbit: _order(frame, orbit))
    if max_distance_a is None:
        orbits = _far_enough(network, orbits, shells, frame.dimensions)
    if not orbits and frame.mechanism == "vacancy":
        raise InputError(
            f"{frame.primitive.label or frame.primitive.formula}: no two {frame.species} sites "
            f"lie within {longest:g} angstrom of each other; allow longer hops"
        )
    cells: dict[float, tuple[Matrix, AtomicStructure]] = {}
    return [_hop(frame, orbit, number, cells) for number, orbit in enumerate(orbits, start=1)]


def _far_enough(
    network: Network, orbits: list[set[Edge]], shells: int, dimensions: int
) -> list[set[Edge]]:
    """Return the shortest hops that percolate, at least so many shells."""
    lengths = [float(np.linalg.norm(network.vector(min(orbit)))) for orbit in orbits]
    taken: list[set[Edge]] = []
    seen = 0
    for orbit, length, before in zip(orbits, lengths, [-np.inf, *lengths], strict=False):
        if length - before > SHELL:
            if seen >= shells and percolation_dimension(e for o in taken for e in o) >= dimensions:
                break
            seen += 1
        taken.append(orbit)
    return taken


def _order(frame: Frame, orbit: set[Edge]) -> tuple[object, ...]:
    """Return what hops are sorted by; none of it depends on the order of atoms."""
    network = frame.network
    edge = min(orbit)
    directions = [tuple(np.round(network.vector(e), 3).tolist()) for e in orbit]
    return (
        round(float(np.linalg.norm(network.vector(edge))), 3),
        len(orbit),
        -round(_distance(frame, edge, np.array([0.5])), 2),
        max(directions),
    )


def _distance(frame: Frame, edge: Edge, fractions: Array) -> float:
    """Return how close the straight line of a hop comes to another atom at these points."""
    inverse = np.linalg.inv(frame.network.cell)
    return clearance(
        frame.network,
        np.array(frame.primitive.positions) @ inverse,
        edge,
        fractions,
        lattice_sites=frame.mechanism == "vacancy",
    )


def _hop(
    frame: Frame, orbit: set[Edge], number: int, cells: dict[float, tuple[Matrix, AtomicStructure]]
) -> Hop:
    network = frame.network
    edge = _representative(frame, orbit)
    start, end, _ = edge
    step = network.vector(edge)
    matrix, supercell = _room(frame, step, cells)
    rows = np.array(matrix)
    initial, final, mobile = _endpoints(frame, edge, supercell)
    rotations = network.group.rotations
    keep = {k for k in range(len(rotations)) if keeps_lattice(rotations[k], rows)}
    ends = np.array([initial.positions[mobile], final.positions[mobile]])
    middle = ends.mean(axis=0)
    operations = sorted(
        (
            # exact at the midpoint of the two ends, which the operation leaves where it is
            cartesian(network.cell, rotations[k], middle, middle)
            for k in network.exchanges(edge)
            if k in keep
        ),
        key=most_freedom,
    )
    # what the initial structure has at one site (vacancy or atom) the final one has at the other
    here, there = (end, start) if frame.mechanism == "vacancy" else (start, end)
    defects = ends[::-1] if frame.mechanism == "vacancy" else ends
    mappings = sorted(
        (
            cartesian(network.cell, rotations[k], *defects)
            for k in keep
            if int(network.image_of[k, here]) == there
        ),
        key=turned_least,
    )
    leaving = {e for e in orbit if e[0] == start}
    a, b, c = (step / np.linalg.norm(step)).tolist()
    return Hop(
        name=f"{frame.mechanism}-{number}",
        mechanism=frame.mechanism,
        species=frame.species,
        initial=initial,
        final=final,
        mobile=mobile,
        distance_a=float(np.linalg.norm(step)),
        direction=(a, b, c),
        multiplicity=len(leaving),
        symmetric=bool(mappings),
        operation=operations[0] if operations else None,
        operations=tuple(operations),
        mapping=mappings[0] if mappings else None,
        start_site=network.classes[start],
        end_site=network.classes[end],
        edges=undirected(orbit),
        layer=_layer(frame, orbit),
        nearest_a=_distance(frame, edge, np.array([0.5])),
        matrix=matrix,
        fixed=() if frame.hold_below_a is None else _below(frame, initial, mobile),
    )


def _below(frame: Frame, structure: AtomicStructure, mobile: int) -> tuple[int, ...]:
    """Return the atoms in the lower part of a slab, wherever its images were put."""
    tall = float(np.array(frame.primitive.cell)[2, 2])
    heights = np.mod(np.array(structure.positions)[:, 2] + 1e-3, tall)
    low = np.flatnonzero(heights < (frame.hold_below_a or 0.0))
    return tuple(int(i) for i in low if i != mobile)


def _representative(frame: Frame, orbit: set[Edge]) -> Edge:
    """Return the hop of a set that starts from the structure that most other hops start from.

    The defect of the initial structure (the vacancy at the end of a vacancy hop, the atom at the
    start of an interstitial one) lies on the first site of the lowest class.
    """
    network = frame.network
    vacancy = frame.mechanism == "vacancy"

    def held(edge: Edge) -> int:
        return edge[1] if vacancy else edge[0]

    site = network.classes.index(min(network.classes[held(edge)] for edge in orbit))
    return max(
        (edge for edge in orbit if held(edge) == site),
        key=lambda edge: (tuple(np.round(network.vector(edge), 3).tolist()), edge),
    )


def _room(
    frame: Frame, step: Array, cells: dict[float, tuple[Matrix, AtomicStructure]]
) -> tuple[Matrix, AtomicStructure]:
    """Return a supercell in which no other image of the end is as near as the end."""
    length = float(np.linalg.norm(step))
    grid = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    others = grid[np.any(grid != 0, axis=1)]
    for distance in (frame.min_supercell_a, max(frame.min_supercell_a, 2 * length + SPARE)):
        if distance not in cells:
            matrix = supercell_matrix(frame.primitive, distance, keep_symmetry=frame.keep_symmetry)
            cells[distance] = matrix, make_supercell(frame.primitive, matrix)
        chosen = cells[distance]
        images = others @ np.array(chosen[1].cell)
        if np.linalg.norm(step + images, axis=1).min() > length + SPARE:
            break
    return chosen


def _endpoints(
    frame: Frame, edge: Edge, supercell: AtomicStructure
) -> tuple[AtomicStructure, AtomicStructure, int]:
    network = frame.network
    start = network.sites[edge[0]] @ network.cell
    step = network.vector(edge)
    label = supercell.label
    if frame.mechanism == "vacancy":
        # the vacancy, which all hops share, lies in the origin cell
        start = network.sites[edge[1]] @ network.cell - step
        hole = _atom_at(supercell, start + step)
        mover = _atom_at(supercell, start)
        left = [i for i in range(len(supercell.symbols)) if i != hole]
        symbols = tuple(supercell.symbols[i] for i in left)
        positions = [supercell.positions[i] for i in left]
        mobile = left.index(mover)
    else:
        symbols = (*supercell.symbols, frame.species)
        positions = [*supercell.positions, (float(start[0]), float(start[1]), float(start[2]))]
        mobile = len(symbols) - 1
    initial = AtomicStructure(
        symbols=symbols,
        positions=tuple(positions),
        cell=supercell.cell,
        pbc=supercell.pbc,
        label=label,
    )
    moved = np.array(positions)
    moved[mobile] += step
    return initial, initial.with_positions(moved), mobile


def _atom_at(structure: AtomicStructure, point: Array) -> int:
    """Return the atom that lies at a point or one of its images."""
    cell = np.array(structure.cell)
    apart = (np.array(structure.positions) - point) @ np.linalg.inv(cell)
    return int(np.argmin(np.linalg.norm((apart - np.rint(apart)) @ cell, axis=1)))


def _layer(frame: Frame, orbit: set[Edge]) -> Layer:
    """Tell whether hops of one kind, or the network that they make, cross the layers."""
    if frame.layers is None:
        return ""
    network = frame.network
    for part in cycle_translations(orbit):
        if np.abs(part @ network.cell @ frame.layers.normal).max() > SHELL:
            return "across"
    edge = min(orbit)
    start = network.sites[edge[0]] @ network.cell
    crossed = frame.layers.crosses(start, start + network.vector(edge))
    return "across" if crossed else "in-plane"
