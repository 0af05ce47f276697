"""Symmetry-distinct hops of an atom that lies on the surface of a crystal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.crystals import is_layered
from mgscreen.structures.hop_frame import Frame, Hop, hops_of
from mgscreen.structures.hop_network import Network, SpaceGroup
from mgscreen.structures.interstitials import Interstitial, positions_of
from mgscreen.structures.sites import adsorption_sites, plane_operations
from mgscreen.structures.slabs import build_slab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.structures.slabs import Slab

    Array = NDArray[np.float64]

CLOSE = 0.95
"""An atom starts above a surface where the nearest bond is this part of the covalent radii,"""
CLOSE_ALIKE = 0.75
"""and this part to an atom of its own element in a compound: both are cations there."""
THICK_A = 6.0
"""A slab has at least this thickness, angstrom."""
LAYERS = 4
"""A slab has at least so many layers of atoms, where it is not a single sheet."""
HELD = 0.4
"""The lower part of a slab that is held."""


@dataclass(frozen=True)
class Ground:
    """The surface cell of a crystal, on which an atom hops.

    Attributes
    ----------
    cell
        The slab, one surface cell, upright, called periodic in all directions: its vacuum keeps the
        images apart.
    species
        Element that the places are for.
    hold_below_a
        Atoms that lie lower are held, angstrom.
    sites
        The symmetry-distinct places above it.
    group
        Operations that keep its upper side.
    """

    cell: AtomicStructure
    species: str
    hold_below_a: float
    sites: list[Interstitial]
    group: SpaceGroup

    @property
    def fixed(self) -> tuple[int, ...]:
        """Indices of the atoms that are held."""
        return tuple(i for i, p in enumerate(self.cell.positions) if p[2] < self.hold_below_a)

    def relaxed(self, positions: Array) -> Ground:
        """Return the surface with its atoms elsewhere, and its sites as high as they allow."""
        cell = self.cell.with_positions(positions)
        atoms = cell.to_ase()
        sites = [_lifted(site, atoms, self.species) for site in self.sites]
        return replace(self, cell=cell, sites=sites)

    @property
    def places(self) -> Array:
        """All positions of all sites, fractional, shape (n, 3)."""
        rows = np.array(self.cell.cell)
        return np.concatenate([positions_of(site, rows, self.group) for site in self.sites])


def surface_ground(
    crystal: AtomicStructure,
    miller: tuple[int, int, int],
    species: str,
    *,
    vacuum_a: float = 15.0,
) -> Ground:
    """Return the surface cell of a crystal and the places on it for an atom.

    Parameters
    ----------
    crystal
        The relaxed crystal.
    miller
        Indices with respect to the conventional cell.
    species
        Element that is placed.
    vacuum_a
        Empty space above the slab, angstrom.

    Raises
    ------
    InputError
        If no slab can be cut.

    Examples
    --------
    >>> from mgscreen.structures.crystals import load_crystal
    >>> ground = surface_ground(load_crystal("MgBr2"), (0, 0, 1), "Mg")
    >>> [site.name for site in ground.sites]
    ['top', 'bridge', 'hollow-1', 'hollow-2']
    """
    # sheets that dispersion alone holds: one of them is the surface, whatever the level knows of it
    sheet = is_layered(crystal)
    layers = 1 if sheet else LAYERS
    while True:
        slab = build_slab(
            crystal, miller, layers=layers, fixed_layers=0, supercell=(1, 1), vacuum_a=vacuum_a
        )
        heights = np.array(slab.structure.positions)[:, 2]
        thickness = float(np.ptp(heights))
        if sheet or thickness >= THICK_A:
            break
        layers = slab.n_layers + 1
    low = float(heights.min())
    return Ground(
        cell=AtomicStructure(
            symbols=slab.structure.symbols,
            positions=slab.structure.positions,
            cell=slab.structure.cell,
            pbc=(True, True, True),
            label=slab.structure.label,
        ),
        species=species,
        hold_below_a=low + HELD * thickness,
        sites=_sites(slab, species),
        group=_group(slab),
    )


def surface_hops(
    ground: Ground,
    species: str,
    *,
    sites: list[Interstitial] | None = None,
    max_distance_a: float | None = None,
    min_supercell_a: float = 10.0,
) -> list[Hop]:
    """Return the symmetry-distinct hops of an atom on a surface.

    Parameters
    ----------
    ground
        The surface, relaxed or not.
    species
        Element that hops.
    sites
        Those of ``ground`` that hold an atom; None: all.
    max_distance_a
        Longest hop, angstrom. None: as far as it takes for all hops together to percolate in the
        plane, but not beyond ``LONGEST``.
    min_supercell_a
        Shortest distance of the atom from its own images, angstrom.

    Returns
    -------
    list of Hop
        Sorted by length; the added atom is the last one, ``fixed`` holds the lower half of the
        slab.
    """
    chosen = ground.sites if sites is None else sites
    if not chosen:
        return []
    rows = np.array(ground.cell.cell)
    points = np.concatenate([positions_of(site, rows, ground.group) for site in chosen])
    frame = Frame(
        primitive=ground.cell,
        network=Network.of(rows, points, ground.group),
        mechanism="surface",
        species=species,
        layers=None,
        min_supercell_a=min_supercell_a,
        keep_symmetry=False,
        dimensions=2,
        hold_below_a=ground.hold_below_a,
    )
    return hops_of(frame, max_distance_a, shells=1, min_clearance_a=1.0)


def parse_miller(text: str) -> tuple[int, int, int]:
    """Return Miller indices from ``110`` or ``1 -1 0``.

    Raises
    ------
    InputError
        If the text is no three integers.
    """
    parts = text.split() if " " in text.strip() else list(text.strip())
    try:
        h, k, i = (int(part) for part in parts)
    except ValueError as error:
        raise InputError(f"'{text}' is no three Miller indices, such as 110 or '1 -1 0'") from error
    return h, k, i


def _group(slab: Slab) -> SpaceGroup:
    operations = plane_operations(slab)
    return SpaceGroup(
        rotations=np.array([np.rint(r) for r, _ in operations], dtype=np.int64),
        translations=np.array([t for _, t in operations]),
    )


def _sites(slab: Slab, species: str) -> list[Interstitial]:
    atoms = slab.structure.to_ase()
    inverse = np.linalg.inv(atoms.cell[:])
    found = []
    for site in adsorption_sites(slab, subsurface=False):
        x, y, z = (float(v) for v in np.asarray(site.position) @ inverse)
        flat = Interstitial((x, y, z), site.multiplicity, (0, ()), 0.0, site.name)
        found.append(_lifted(flat, atoms, species))
    return found


def _lifted(site: Interstitial, atoms: Any, species: str) -> Interstitial:
    """Return a site at the height at which an atom touches its neighbours."""
    cell = atoms.cell[:]
    place = np.asarray(site.position) @ cell
    place[2], contacts = _height(atoms, place, species)
    x, y, z = (float(v) for v in place @ np.linalg.inv(cell))
    near = tuple(sorted({atoms.symbols[i] for i in contacts}))
    return replace(
        site,
        position=(x, y, z),
        coordination=(len(contacts), near),
        radius_a=_nearest(atoms, place),
    )


def _height(atoms: Any, position: Array, species: str) -> tuple[float, list[int]]:
    """Return how low an atom can come at a place of the plane, and the atoms that it meets."""
    from ase.data import atomic_numbers, covalent_radii

    own = covalent_radii[atomic_numbers[species]]
    alike = atoms.numbers == atomic_numbers[species]
    part = np.where(alike & ~alike.all(), CLOSE_ALIKE, CLOSE)
    reach = part * (own + covalent_radii[atoms.numbers])
    lateral = _copies(atoms)[:, :, :2] - position[:2]
    square = reach[None, :] ** 2 - (lateral**2).sum(axis=2)
    heights = np.where(
        square > 0.0,
        atoms.positions[None, :, 2] + np.sqrt(np.maximum(square, 0.0)),
        -np.inf,
    )
    highest = float(heights.max())
    met = np.unique(np.argwhere(heights > highest - 0.3)[:, 1])
    return highest, [int(i) for i in met]


def _nearest(atoms: Any, place: Array) -> float:
    return float(np.linalg.norm(_copies(atoms) - place, axis=2).min())


def _copies(atoms: Any) -> Array:
    """Return the atoms of the cell and of those around it in the plane, shape (n, atoms, 3)."""
    cell = atoms.cell[:]
    shifts = np.array([a * cell[0] + b * cell[1] for a in range(-3, 4) for b in range(-3, 4)])
    return np.asarray(atoms.positions[None] + shifts[:, None])
