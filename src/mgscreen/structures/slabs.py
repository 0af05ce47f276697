"""Slabs of any crystal by Miller index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure, Fragment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LAYER_TOLERANCE = 0.3
"""Atoms whose heights differ by less than this belong to one layer, angstrom."""


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


def build_slab(  # noqa: PLR0913 - what a slab is made of
    bulk: AtomicStructure,
    miller: tuple[int, int, int],
    *,
    layers: int = 4,
    fixed_layers: int = 2,
    supercell: tuple[int, int] = (3, 3),
    vacuum_a: float = 15.0,
    termination: int = 0,
    hold: Literal["bottom", "middle"] = "bottom",
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
        How many layers to hold.
    supercell
        Repeats of the surface cell.
    vacuum_a
        Empty space between a slab and its image, angstrom.
    termination
        Which of the distinct terminations, those that leave both sides alike first.
    hold
        Which layers are held: the lowest, or the middle ones, so that both sides relax.

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
        (
            atoms.positions[:, 0].round(3),
            atoms.positions[:, 1].round(3),
            layer_numbers(atoms.positions),
        )
    )
    atoms = atoms[order]
    layer = layer_numbers(atoms.positions)
    first = 0 if hold == "bottom" else (int(max(layer)) + 1 - fixed_layers) // 2
    label = f"{bulk.label or crystal.composition.reduced_formula}({''.join(map(str, miller))})"
    structure = AtomicStructure.from_ase(
        atoms,
        label=f"{label} p({supercell[0]}x{supercell[1]})",
        fragments=(Fragment(name="slab", role="slab", atoms=tuple(range(len(atoms)))),),
    )
    return Slab(
        structure=structure,
        fixed=tuple(i for i, number in enumerate(layer) if first <= number < first + fixed_layers),
        layers=tuple(int(n) for n in layer),
        miller=miller,
        supercell=supercell,
        vacuum_a=vacuum_a,
        symmetric=symmetric,
        termination=termination,
        n_terminations=len(cuts),
    )


def layer_numbers(positions: Array) -> NDArray[np.int64]:
    """Return the layer of each atom, 0 the lowest, by gaps between heights."""
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
        counts = [int(layer_numbers(_standing(cut).positions).max()) + 1 for cut in cuts]
        if all(n >= layers for n in counts):
            # both sides alike first: such a cut breaks no layer and leaves no dipole
            return sorted(cuts, key=lambda cut: not cut.is_symmetric())
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
    number = layer_numbers(atoms.positions)
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
