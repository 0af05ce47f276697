"""Symmetry-distinct hops of an atom between the sites of a crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.structures.hop_frame import Frame, Hop, hops_of
from mgscreen.structures.hop_network import Network, SpaceGroup
from mgscreen.structures.interstitials import Interstitial, interstitial_sites, positions_of
from mgscreen.structures.layers import layers_of
from mgscreen.structures.supercells import primitive_cell

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure

__all__ = ["Hop", "interstitial_hops", "vacancy_hops"]


def vacancy_hops(
    crystal: AtomicStructure,
    species: str,
    *,
    max_distance_a: float | None = None,
    min_supercell_a: float = 10.0,
    keep_symmetry: bool = False,
) -> list[Hop]:
    """Return the symmetry-distinct hops of an atom into a vacancy of its own element.

    Parameters
    ----------
    crystal
        Any cell of the crystal.
    species
        Element that hops.
    max_distance_a
        Longest hop, angstrom. None: the second shell of neighbours, or as far as it takes for all
        hops together to percolate in three dimensions, but not beyond ``LONGEST``.
    min_supercell_a
        Shortest distance of the vacancy from its own images, angstrom.
    keep_symmetry
        Take a supercell that keeps every operation of the crystal, larger as a rule.

    Returns
    -------
    list of Hop
        Sorted by length. A hop whose straight line passes through another site of the element is
        left out: it is two hops.

    Raises
    ------
    InputError
        If the crystal does not contain the element, or no hop is short enough.

    Examples
    --------
    >>> from mgscreen.structures.crystals import load_crystal
    >>> [(h.name, round(h.distance_a, 2)) for h in vacancy_hops(load_crystal("MgO"), "Mg")]
    [('vacancy-1', 2.98), ('vacancy-2', 4.21)]
    """
    primitive = primitive_cell(crystal)
    cell = np.array(primitive.cell)
    fractional = np.array(primitive.positions) @ np.linalg.inv(cell)
    mobile = [i for i, symbol in enumerate(primitive.symbols) if symbol == species]
    if not mobile:
        raise InputError(f"{crystal.label or crystal.formula} contains no {species}")
    network = Network.of(cell, fractional[mobile], SpaceGroup.of(primitive))
    frame = Frame(
        primitive=primitive,
        network=network,
        mechanism="vacancy",
        species=species,
        layers=layers_of(primitive),
        min_supercell_a=min_supercell_a,
        keep_symmetry=keep_symmetry,
    )
    return hops_of(frame, max_distance_a, shells=2)


def interstitial_hops(
    crystal: AtomicStructure,
    species: str,
    *,
    sites: list[Interstitial] | None = None,
    max_distance_a: float | None = None,
    min_supercell_a: float = 10.0,
    keep_symmetry: bool = False,
    min_clearance_a: float = 1.0,
) -> list[Hop]:
    """Return the symmetry-distinct hops of an atom between interstitial sites.

    Parameters
    ----------
    crystal
        Any cell of the crystal.
    species
        Element that hops; the crystal need not contain it.
    sites
        Sites, as :func:`~mgscreen.structures.interstitials.interstitial_sites` gives them; None:
        all that it finds.
    max_distance_a
        Longest hop, angstrom. None: as far as it takes for all hops together to percolate in three
        dimensions, but not beyond ``LONGEST``.
    min_supercell_a
        Shortest distance of the atom from its own images, angstrom.
    keep_symmetry
        Take a supercell that keeps every operation of the crystal, larger as a rule.
    min_clearance_a
        A hop whose straight line comes closer to an atom than this is left out, angstrom.

    Returns
    -------
    list of Hop
        Sorted by length; the added atom is the last one. Empty when the crystal has no site. Site
        numbers of ``edges`` count all positions of all sites, in the order of ``sites``.

    Raises
    ------
    InputError
        If the crystal is not periodic in three directions.
    """
    primitive = primitive_cell(crystal)
    found = interstitial_sites(crystal, species) if sites is None else sites
    if not found:
        return []
    group = SpaceGroup.of(primitive)
    cell = np.array(primitive.cell)
    points = np.concatenate([positions_of(site, cell, group) for site in found])
    network = Network.of(cell, points, group)
    frame = Frame(
        primitive=primitive,
        network=network,
        mechanism="interstitial",
        species=species,
        layers=layers_of(primitive),
        min_supercell_a=min_supercell_a,
        keep_symmetry=keep_symmetry,
    )
    return hops_of(frame, max_distance_a, shells=1, min_clearance_a=min_clearance_a)
