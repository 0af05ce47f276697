"""Supercells of the primitive cell, chosen by the distance of a defect from its own images."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.crystals import SYMPREC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Integers = NDArray[np.int64]

Matrix = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
"""Rows: the vectors of the supercell in those of the primitive cell."""
LIMIT = 2000
"""Most primitive cells in a supercell."""
LENGTH_TOLERANCE = 1e-6
"""Lengths that differ by less are equal, angstrom."""


def primitive_cell(crystal: AtomicStructure, symprec: float = SYMPREC) -> AtomicStructure:
    """Return the primitive cell of a crystal, with the shortest vectors, not rotated.

    Every matrix, site number and fractional coordinate of this package refers to this cell. A cell
    that is primitive and has the shortest vectors already is returned with its own vectors; atoms
    are wrapped into it.

    Raises
    ------
    InputError
        If the structure is not periodic in three directions, or has no space group.
    """
    import spglib
    from ase import Atoms
    from ase.geometry import minkowski_reduce

    name = crystal.label or crystal.formula
    if crystal.cell is None or not all(crystal.pbc):
        raise InputError(f"{name} is not a three-dimensional crystal")
    atoms = crystal.to_ase()
    found = spglib.standardize_cell(
        (atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers),
        to_primitive=True,
        no_idealize=True,
        symprec=symprec,
    )
    if found is None:
        raise InputError(f"{name}: no space group was found within {symprec} angstrom")
    if len(found[2]) < len(atoms):
        lattice, fractional, numbers = found
        atoms = Atoms(numbers=numbers, scaled_positions=fractional, cell=lattice, pbc=True)
    cell = np.asarray(atoms.cell[:])
    reduced, _ = minkowski_reduce(cell)
    if np.linalg.det(reduced) < 0:
        reduced = -reduced
    if np.sum(reduced**2) < np.sum(cell**2) - LENGTH_TOLERANCE or np.linalg.det(cell) < 0:
        atoms.set_cell(reduced, scale_atoms=False)
    atoms.wrap(eps=1e-5)
    return AtomicStructure.from_ase(atoms, label=crystal.label)


def supercell_matrix(
    crystal: AtomicStructure, min_distance_a: float = 10.0, *, keep_symmetry: bool = False
) -> Matrix:
    """Return the smallest supercell that keeps a defect this far from its own images.

    Every sublattice of the primitive lattice is tried, in the order of its volume, through its
    Hermite normal form [1]_; the first volume at which one has no vector shorter than
    ``min_distance_a`` is taken. Of several, the most cubic one is taken (least sum of squared
    lengths of the reduced vectors), then the one that keeps most point operations of the crystal.

    Parameters
    ----------
    crystal
        Any cell of the crystal; the matrix refers to its :func:`primitive_cell`.
    min_distance_a
        Shortest distance of a point from its own images, angstrom.
    keep_symmetry
        Take only supercells that keep every point operation of the crystal: larger, but defects on
        equal sites then have equal energies, and hops keep their mirror planes.

    Returns
    -------
    Matrix
        Rows: the vectors of the supercell in those of the primitive cell, as short as possible.

    Raises
    ------
    InputError
        If the distance is not positive, or would need more than ``LIMIT`` primitive cells.

    References
    ----------
    .. [1] G. L. W. Hart, R. W. Forcade, Phys. Rev. B 77, 224115 (2008).

    Examples
    --------
    >>> from mgscreen.structures.crystals import load_crystal
    >>> crystal = load_crystal("MgF2")
    >>> len(make_supercell(crystal, supercell_matrix(crystal)).symbols) <= 84
    True
    """
    if not min_distance_a > 0:
        raise InputError(f"the distance between images must be positive, not {min_distance_a}")
    primitive = primitive_cell(crystal)
    cell = np.array(primitive.cell)
    volume = float(np.linalg.det(cell))
    # no lattice is denser than the face-centred cubic one: volume >= d^3 / sqrt(2)
    fewest = max(1, int(np.ceil(min_distance_a**3 / np.sqrt(2) / volume - LENGTH_TOLERANCE)))
    short = _short_vectors(cell, min_distance_a - LENGTH_TOLERANCE)
    rotations = np.unique(symmetry_operations(primitive)[0], axis=0)
    for count in range(fewest, LIMIT + 1):
        forms = np.array(list(_normal_forms(count)), dtype=np.int64)
        # a vector n belongs to the sublattice H when n H^-1, that is n adj(H) / det(H), is integer
        adjugate = np.rint(np.linalg.inv(forms) * count).astype(np.int64)
        member = np.all((short[None] @ adjugate) % count == 0, axis=2)
        free = forms[~member.any(axis=1)]
        if keep_symmetry:
            whole = [all(keeps_lattice(rotation, form) for rotation in rotations) for form in free]
            free = free[np.array(whole, dtype=bool)]
        if len(free):
            return min(_rank(form, cell, rotations) for form in free)[-1]
    raise InputError(
        f"{crystal.label or crystal.formula}: {min_distance_a:g} angstrom between images needs "
        f"more than {LIMIT} primitive cells"
    )


def make_supercell(crystal: AtomicStructure, matrix: Matrix) -> AtomicStructure:
    """Return a supercell of the primitive cell of a crystal, not rotated.

    Atoms come in the order of the primitive cell; all images of its first atom come first.

    Raises
    ------
    InputError
        If the matrix does not have a positive determinant.
    """
    from ase import Atoms

    primitive = primitive_cell(crystal)
    rows = np.array(matrix, dtype=np.int64)
    if round(float(np.linalg.det(rows))) < 1:
        raise InputError(f"the supercell {matrix} does not have a positive volume")
    cell = np.array(primitive.cell)
    shifts = lattice_points(rows) @ cell
    positions = (np.array(primitive.positions)[:, None, :] + shifts[None]).reshape(-1, 3)
    symbols = [symbol for symbol in primitive.symbols for _ in shifts]
    atoms = Atoms(symbols=symbols, positions=positions, cell=rows @ cell, pbc=True)
    atoms.wrap(eps=1e-5)
    return AtomicStructure.from_ase(atoms, label=crystal.label)


def image_distance(cell: Any) -> float:
    """Return the length of the shortest lattice vector of a cell (3, 3), angstrom."""
    from ase.geometry import minkowski_reduce

    return float(np.linalg.norm(minkowski_reduce(np.asarray(cell, dtype=float))[0], axis=1).min())


def lattice_points(matrix: Integers) -> Integers:
    """Return the primitive translations inside a supercell, shape (n, 3), the origin first."""
    form = _normal_form(matrix)
    return np.array(list(product(*(range(int(form[i, i])) for i in range(3)))), dtype=np.int64)


def symmetry_operations(
    crystal: AtomicStructure, symprec: float = SYMPREC
) -> tuple[Integers, Array]:
    """Return the operations of a crystal on fractional coordinates (spglib).

    Returns
    -------
    rotations, translations
        Shapes (n, 3, 3) and (n, 3): ``x -> rotation x + translation``.

    Raises
    ------
    InputError
        If no space group is found.
    """
    import spglib

    atoms = crystal.to_ase()
    found = spglib.get_symmetry(
        (atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers), symprec=symprec
    )
    if found is None:
        name = crystal.label or crystal.formula
        raise InputError(f"{name}: no space group was found within {symprec} angstrom")
    return (
        np.asarray(found["rotations"], dtype=np.int64),
        np.asarray(found["translations"], dtype=np.float64),
    )


def keeps_lattice(rotation: Integers, matrix: Integers) -> bool:
    """Tell whether an operation on fractional coordinates keeps the lattice of a supercell."""
    image = (rotation @ matrix.T).T @ np.linalg.inv(matrix)
    return bool(np.allclose(image, np.rint(image), atol=1e-6))


def _rank(form: Integers, cell: Array, rotations: Integers) -> tuple[float, int, float, Matrix]:
    """Return what a sublattice is chosen by, its matrix last."""
    from ase.geometry import minkowski_reduce

    reduced, operation = minkowski_reduce(form @ cell)
    matrix = np.asarray(operation, dtype=np.int64) @ form
    if np.linalg.det(matrix) < 0:
        matrix = -matrix
    lengths = np.sum(reduced**2, axis=1)
    kept = sum(keeps_lattice(rotation, matrix) for rotation in rotations)
    rows: Matrix = tuple(tuple(int(n) for n in row) for row in matrix)  # type: ignore[assignment]
    # of equally good sublattices the one with the longest shortest vector
    return round(float(lengths.sum()), 4), -kept, -round(float(lengths.min()), 4), rows


def _short_vectors(cell: Array, radius: float) -> Integers:
    """Return one of each pair of opposite lattice vectors shorter than ``radius``, shape (n, 3)."""
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    grid = np.array(list(product(*(range(-n, n + 1) for n in reach))), dtype=np.int64)
    half = [tuple(row) > (0, 0, 0) for row in grid.tolist()]
    grid = grid[half]
    return np.asarray(grid[np.linalg.norm(grid @ cell, axis=1) < radius])


def _normal_forms(count: int) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """Yield every sublattice of index ``count`` once, as lower triangular Hermite normal form."""
    divisors = [n for n in range(1, count + 1) if count % n == 0]
    for first in divisors:
        for second in (n for n in divisors if (count // first) % n == 0):
            third = count // first // second
            for b, d, e in product(range(first), range(first), range(second)):
                yield (first, 0, 0), (b, second, 0), (d, e, third)


def _normal_form(matrix: Integers) -> Integers:
    """Return the lower triangular Hermite normal form of a matrix (rows span the lattice)."""
    rows = np.array(matrix, dtype=np.int64)
    for column in (2, 1, 0):
        top = column + 1
        while np.count_nonzero(rows[:top, column]) > 1:
            order = [i for i in range(top) if rows[i, column]]
            least = min(order, key=lambda i: abs(int(rows[i, column])))
            for i in order:
                if i != least:
                    rows[i] -= (rows[i, column] // rows[least, column]) * rows[least]
        pivot = int(np.flatnonzero(rows[:top, column])[0])
        rows[[pivot, column]] = rows[[column, pivot]]
        if rows[column, column] < 0:
            rows[column] *= -1
    return rows
