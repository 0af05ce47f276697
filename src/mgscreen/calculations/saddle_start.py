"""Where the search for a saddle starts: images of a hop by symmetry, and a way past the anions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SYMPREC = 0.05
"""Tolerance of an image of an atom, angstrom."""
TIGHTER_A = 0.5
"""On its way an atom may come closer to its neighbours than on its site by this, angstrom."""


@dataclass(frozen=True)
class Image:
    """A symmetry operation that carries the initial structure of a hop to the final one.

    Attributes
    ----------
    rotation
        Cartesian, shape (3, 3).
    target
        Index that each atom takes in the final structure.
    swaps
        Whether it also carries the final structure to the initial one: then the middle of the hop
        is mirrored onto itself.
    """

    rotation: Array
    target: NDArray[np.intp]
    swaps: bool

    def carry(self, displacement: Array) -> Array:
        """Return displacements or forces, shape (n, 3), as they are in the other structure."""
        other = np.empty_like(displacement)
        other[self.target] = displacement @ self.rotation.T
        return other


def nearest_images(atoms: Atoms, positions: Array, to: Array) -> Array:
    """Return positions moved by lattice vectors to be as near as can be to others."""
    from ase.geometry import find_mic

    shift, _ = find_mic(positions - to, atoms.cell, atoms.pbc)
    near: Array = to + shift
    return near


def find_image(atoms: Atoms, initial: Array, final: Array, mobile: int) -> Image | None:
    """Return the operation of the crystal that carries one endpoint to the other, if there is one.

    Parameters
    ----------
    atoms
        Symbols and cell.
    initial, final
        Positions before any relaxation, shape (n, 3), atoms in the same order.
    mobile
        Index of the atom that hops.
    """
    cell = np.asarray(atoms.cell[:])
    inverse = np.linalg.inv(cell)
    a, b = initial[mobile] @ inverse, final[mobile] @ inverse
    best: Image | None = None
    for rotation, shift in _operations(atoms, initial, final, mobile):
        if not _same(rotation @ a + shift, b, cell):
            continue
        swaps = _same(rotation @ b + shift, a, cell)
        target = _match(initial @ inverse @ rotation.T + shift, final @ inverse, atoms, cell)
        if target is None:
            continue
        cartesian = cell.T @ rotation @ inverse.T
        image = Image(cartesian, target, swaps)
        if swaps:
            return image
        best = best or image
    return best


def hop_rotations(atoms: Atoms, initial: Array, final: Array, mobile: int) -> Array:
    """Return the rotations of the crystal that keep a hop or turn it round.

    Parameters
    ----------
    atoms, initial, final, mobile
        As of ``find_image``.

    Returns
    -------
    numpy.ndarray
        Cartesian, shape (m, 3, 3), the identity among them. They turn a way past the neighbours,
        seen from the middle of the hop, into others that are as high.
    """
    cell = np.asarray(atoms.cell[:])
    inverse = np.linalg.inv(cell)
    a, b = initial[mobile] @ inverse, final[mobile] @ inverse
    kept = [np.eye(3)]
    for rotation, shift in _operations(atoms, initial, final, mobile):
        ends = (rotation @ a + shift, rotation @ b + shift)
        if any(
            _same(ends[0], one, cell) and _same(ends[1], other, cell)
            for one, other in ((a, b), (b, a))
        ):
            kept.append(cell.T @ rotation @ inverse.T)
    return np.array(kept)


def _operations(atoms: Atoms, initial: Array, final: Array, mobile: int) -> list[tuple[Any, Any]]:
    """Return rotations and translations, fractional, of the crystal with both places filled."""
    import spglib

    cell = np.asarray(atoms.cell[:])
    numbers = np.append(atoms.numbers, atoms.numbers[mobile])
    both = np.vstack([initial, final[mobile]])
    described: Any = (cell, both @ np.linalg.inv(cell), numbers)
    found = spglib.get_symmetry(described, symprec=SYMPREC)
    if found is None:
        return []
    return list(zip(found["rotations"], found["translations"], strict=True))


def _same(first: Array, second: Array, cell: Array) -> bool:
    away = first - second
    return bool(np.linalg.norm((away - np.round(away)) @ cell) < SYMPREC)


def _match(first: Array, second: Array, atoms: Atoms, cell: Array) -> NDArray[np.intp] | None:
    away = first[:, None, :] - second[None, :, :]
    distance = np.linalg.norm((away - np.round(away)) @ cell, axis=2)
    distance[atoms.numbers[:, None] != atoms.numbers[None, :]] = np.inf
    target: NDArray[np.intp] = distance.argmin(axis=1)
    if distance.min(axis=1).max() > SYMPREC or len(set(target.tolist())) != len(target):
        return None
    return target


def hop_direction(n: int, mobile: int, step: Array) -> Array:
    """Return the unit vector of the mobile atom along ``step`` relative to all others, flat."""
    unit = step / np.linalg.norm(step)
    whole = np.tile(-unit / (n - 1), (n, 1))
    whole[mobile] = unit
    flat = whole.ravel()
    direction: Array = flat / np.linalg.norm(flat)
    return direction


def way_past(atoms: Atoms, middle: Array, mobile: int, step: Array) -> Array:
    """Return the middle of a hop with the mobile atom where its neighbours leave room.

    Looked for on the plane across the hop, as near to the straight line as can be: where no
    neighbour is closer than on the sites by more than ``TIGHTER_A``, distances counted from the sum
    of the covalent radii.

    Parameters
    ----------
    atoms
        Symbols and cell.
    middle
        Positions halfway, shape (n, 3).
    step
        From the initial to the final place of the mobile atom.
    """
    from ase.data import covalent_radii

    length = float(np.linalg.norm(step))
    unit = step / length
    helper = np.eye(3)[int(np.argmin(np.abs(unit)))]
    first = np.cross(unit, helper)
    first /= np.linalg.norm(first)
    second = np.cross(unit, first)
    others = np.delete(np.arange(len(middle)), mobile)
    near = nearest_images(atoms, middle[others], np.tile(middle[mobile], (len(others), 1)))
    radii = covalent_radii[atoms.numbers]
    contact = radii[others] + radii[mobile]

    def room(places: Array) -> Array:
        distance = np.linalg.norm(places[:, None, :] - near[None, :, :], axis=2)
        least: Array = (distance - contact).min(axis=1)
        return least

    reach = min(0.5 * length, 2.0)
    grid = np.arange(-reach, reach + 1e-9, 0.1)
    u, w = np.meshgrid(grid, grid)
    away = np.hypot(u, w).ravel()
    keep = away <= reach
    away = away[keep]
    places = middle[mobile] + np.outer(u.ravel()[keep], first) + np.outer(w.ravel()[keep], second)
    ends = middle[mobile] + np.array([[-0.5], [0.5]]) * step
    free = room(places)
    wanted = min(float(room(ends).min()) - TIGHTER_A, float(free.max()))
    start = middle.copy()
    if float(room(middle[mobile][None])[0]) < wanted:
        # of places that are alike by symmetry the first, whatever the last digits are
        wide = free >= wanted - 1e-6
        start[mobile] = places[int(np.argmax(wide & (away <= away[wide].min() + 1e-6)))]
    return start


def relaxed_by_image(
    initial: Array, final: Array, relaxed: Array, image: Image, atoms: Any
) -> Array:
    """Return the relaxed final structure from the relaxed initial one."""
    return final + image.carry(nearest_images(atoms, relaxed, initial) - initial)
