"""Which interstitial and surface sites hold an atom: one that it leaves is no site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.calculations.saddle_curvature import Curvature
from mgscreen.calculations.saddle_steps import OutOfCallsError, Surface, minimise
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.hop_network import SpaceGroup
from mgscreen.structures.interstitials import Interstitial, interstitial_sites, positions_of
from mgscreen.structures.supercells import make_supercell, primitive_cell, supercell_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mgscreen.structures.surface_hops import Ground

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

LEFT_A = 0.9
"""An atom that ends further from its site has left it, angstrom."""
NUDGE_A = 0.06
"""First displacement, off every symmetry element: a site on top of a barrier is left then."""
CALLS = 60


@dataclass(frozen=True)
class RelaxedSite:
    """What became of an atom on a site.

    Attributes
    ----------
    energy_ev
        Of the supercell; None where the relaxation failed.
    moved_a
        How far the atom is from its site, relative to the mean of all others.
    stays
        Whether the atom is still nearer to this site than to any other.
    """

    site: Interstitial
    energy_ev: float | None
    moved_a: float
    stays: bool
    reason: str = ""


def relaxed_sites(
    crystal: AtomicStructure,
    species: str,
    surface: Callable[[AtomicStructure], Evaluate],
    *,
    min_supercell_a: float = 10.0,
    fmax: float = 0.05,
) -> list[RelaxedSite]:
    """Relax an atom on each interstitial site of a crystal.

    Parameters
    ----------
    crystal
        The relaxed crystal.
    species
        Element that is placed.
    surface
        Gives for a supercell what returns energy (eV) and forces (eV/angstrom) at positions.
    min_supercell_a
        As for the hops: the cells are the same.
    fmax
        Largest force, eV/angstrom.

    Returns
    -------
    list of RelaxedSite
        In the order of the sites, those that are left included.
    """
    sites = interstitial_sites(crystal, species)
    if not sites:
        return []
    primitive = primitive_cell(crystal)
    cell = np.array(primitive.cell)
    group = SpaceGroup.of(primitive)
    every = np.concatenate([positions_of(site, cell, group) for site in sites]) @ cell
    host = make_supercell(primitive, supercell_matrix(primitive, min_supercell_a))
    return [_relax(site, host, species, surface, every, cell, fmax) for site in sites]


def relaxed_surface_sites(
    ground: Ground,
    species: str,
    surface: Callable[[AtomicStructure], Evaluate],
    *,
    min_supercell_a: float = 10.0,
    fmax: float = 0.05,
) -> list[RelaxedSite]:
    """Relax an atom on each site of a surface; the lower half of the slab is held.

    Parameters
    ----------
    ground
        The surface cell and its sites.
    species, surface, min_supercell_a, fmax
        See ``relaxed_sites``.
    """
    cell = np.array(ground.cell.cell)
    host = make_supercell(ground.cell, supercell_matrix(ground.cell, min_supercell_a))
    heights = np.mod(np.array(host.positions)[:, 2] + 1e-3, cell[2, 2])
    fixed = tuple(int(i) for i in np.flatnonzero(heights < ground.hold_below_a))
    every = ground.places @ cell
    return [_relax(site, host, species, surface, every, cell, fmax, fixed) for site in ground.sites]


def relaxed_ground(
    ground: Ground,
    surface: Callable[[AtomicStructure], Evaluate],
    *,
    fmax: float = 0.02,
) -> tuple[Ground, float]:
    """Relax a surface cell without an atom on it.

    Returns
    -------
    tuple of Ground and float
        With the relaxed positions, and its energy, eV.

    Raises
    ------
    ScientificFailureError
        If it does not converge.
    """
    atoms = ground.cell.to_ase()
    x = np.array(ground.cell.positions).ravel()
    walk = Surface(surface(ground.cell), len(atoms), ground.fixed, max_calls=2 * CALLS)
    try:
        point, ok = minimise(walk, walk(x), Curvature(atoms, x), fmax=fmax)
    except OutOfCallsError:
        ok = False
    if not ok:
        raise ScientificFailureError(f"the bare surface did not relax in {2 * CALLS} force calls")
    return ground.relaxed(point.x.reshape(-1, 3)), point.energy


def _relax(  # noqa: PLR0913, PLR0917 - the parts of one question
    site: Interstitial,
    host: AtomicStructure,
    species: str,
    surface: Callable[[AtomicStructure], Evaluate],
    every: Array,
    cell: Array,
    fmax: float,
    fixed: tuple[int, ...] = (),
) -> RelaxedSite:
    start = np.array(site.position) @ cell
    nudge = NUDGE_A * np.array([0.48, 0.62, 0.62])
    place = start + nudge
    structure = AtomicStructure(
        symbols=(*host.symbols, species),
        positions=(*host.positions, (float(place[0]), float(place[1]), float(place[2]))),
        cell=host.cell,
        pbc=host.pbc,
        label=host.label,
    )
    n = len(structure.symbols)
    walk = Surface(surface(structure), n, fixed, max_calls=CALLS)
    x = np.array(structure.positions).ravel()
    try:
        point, ok = minimise(walk, walk(x), Curvature(structure.to_ase(), x), fmax=fmax)
    except (OutOfCallsError, ScientificFailureError) as error:
        why = str(error) or f"not relaxed in {CALLS} force calls"
        return RelaxedSite(site, None, 0.0, stays=False, reason=why)
    moves = (point.x - x).reshape(-1, 3)
    # nothing drifts where a part is held
    drift = 0.0 if fixed else moves[:-1].mean(axis=0)
    moved = moves[-1] - drift + nudge
    away = float(np.linalg.norm(moved))
    others = _distances(start + moved, every, cell)
    own = _distances(start, every, cell) < 1e-3  # noqa: PLR2004 - itself
    nearer = bool(others[~own].min(initial=np.inf) < others[own].min())
    stays = ok and away < LEFT_A and not nearer
    why = "" if stays else f"an atom there moves {away:.2f} angstrom to another place"
    return RelaxedSite(site, point.energy, away, stays=stays, reason=why)


def _distances(point: Array, points: Array, cell: Array) -> Array:
    """Distances of a point from the nearest images of points."""
    apart = (points - point) @ np.linalg.inv(cell)
    apart -= np.round(apart)
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    every = (apart[:, None, :] + shifts[None, :, :]) @ cell
    nearest: Array = np.linalg.norm(every, axis=2).min(axis=1)
    return nearest
