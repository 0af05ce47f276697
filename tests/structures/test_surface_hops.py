"""Hops of an atom on a surface."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.percolation import percolation_dimension
from mgscreen.structures.slabs import build_slab
from mgscreen.structures.surface_hops import parse_miller, surface_ground, surface_hops


def test_layers_of_a_layered_crystal_stay_whole() -> None:
    ground = surface_ground(load_crystal("MgBr2"), (0, 0, 1), "Mg")
    order = np.argsort([p[2] for p in ground.cell.positions])
    assert [ground.cell.symbols[i] for i in order] == ["Br", "Mg", "Br"]
    assert ground.fixed == (int(order[0]),)


@pytest.mark.parametrize(
    ("name", "miller"), [("MgO", (1, 0, 0)), ("MgF2", (1, 1, 0)), ("MgCl2", (0, 0, 1))]
)
def test_the_first_termination_has_no_dipole(name: str, miller: tuple[int, int, int]) -> None:
    slab = build_slab(load_crystal(name), miller, layers=4, fixed_layers=1, supercell=(1, 1))
    assert slab.symmetric


def test_hops_on_the_basal_plane_of_magnesium() -> None:
    ground = surface_ground(load_crystal("Mg"), (0, 0, 1), "Mg")
    hollows = [site for site in ground.sites if site.name in {"hcp", "fcc"}]
    hops = surface_hops(ground, "Mg", sites=hollows)
    first = hops[0]
    assert first.distance_a == pytest.approx(3.2094 / np.sqrt(3), abs=0.05)
    assert first.multiplicity == 3
    assert percolation_dimension(first.edges) == 2
    heights = np.array(first.initial.positions)[:, 2]
    assert first.mobile not in first.fixed
    assert len(first.fixed) == (len(heights) - 1) // 2
    assert abs(first.direction[2]) < 0.1


def test_an_atom_starts_above_the_surface() -> None:
    for name, miller in (("MgBr2", (0, 0, 1)), ("MgO", (1, 0, 0))):
        ground = surface_ground(load_crystal(name), miller, "Mg")
        tall = ground.cell.cell[2][2]
        top = max(p[2] for p in ground.cell.positions)
        for site in ground.sites:
            assert site.position[2] * tall > top
            assert 1.5 < site.radius_a < 3.0


def test_no_hop_depends_on_the_order_of_atoms() -> None:
    crystal = load_crystal("MgBr2")
    turned = AtomicStructure(
        symbols=crystal.symbols[::-1],
        positions=crystal.positions[::-1],
        cell=crystal.cell,
        pbc=crystal.pbc,
        label=crystal.label,
    )
    lengths = [
        [
            (round(h.distance_a, 3), h.multiplicity)
            for h in surface_hops(surface_ground(c, (0, 0, 1), "Mg"), "Mg")
        ]
        for c in (crystal, turned)
    ]
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize(
    ("text", "expected"), [("110", (1, 1, 0)), ("1 -1 0", (1, -1, 0)), ("001", (0, 0, 1))]
)
def test_miller_indices(text: str, expected: tuple[int, int, int]) -> None:
    assert parse_miller(text) == expected


@pytest.mark.parametrize("text", ["", "1a0", "1 2", "1100"])
def test_no_miller_indices(text: str) -> None:
    with pytest.raises(InputError, match="three Miller indices"):
        parse_miller(text)


def test_the_barrier_on_aluminium_is_that_of_the_bridge() -> None:
    """On fcc(100) the saddle between two hollows is the bridge, by symmetry."""
    from ase.calculators.emt import EMT
    from ase.constraints import FixAtoms, FixedLine
    from ase.optimize import BFGS

    from mgscreen.calculations.saddle import find_saddle

    crystal = AtomicStructure.from_ase(bulk("Al", cubic=True, a=3.995), label="Al")
    ground = surface_ground(crystal, (1, 0, 0), "Al")
    hollow = [site for site in ground.sites if site.name == "hollow"]
    hop = surface_hops(ground, "Al", sites=hollow, min_supercell_a=8.0)[0]
    atoms = hop.initial.to_ase()
    atoms.calc = EMT()

    def evaluate(positions: np.ndarray) -> tuple[float, np.ndarray]:
        atoms.positions[:] = positions
        return float(atoms.get_potential_energy()), atoms.get_forces()

    found = find_saddle(
        evaluate,
        hop.initial,
        hop.final,
        hop.mobile,
        symmetric=hop.symmetric,
        fixed=hop.fixed,
        fmax=0.01,
    )
    assert found.verified
    exact = []
    for place in (0.0, 0.5):
        one = hop.initial.to_ase()
        there = np.array(hop.final.positions)[hop.mobile]
        one.positions[hop.mobile] += place * (there - one.positions[hop.mobile])
        one.set_constraint([FixAtoms(hop.fixed), FixedLine(hop.mobile, (0, 0, 1))])
        one.calc = EMT()
        BFGS(one, logfile=None).run(fmax=0.01, steps=200)
        exact.append(one.get_potential_energy())
    assert found.barrier_forward_ev == pytest.approx(exact[1] - exact[0], abs=0.005)
    assert found.barrier_backward_ev == pytest.approx(found.barrier_forward_ev, abs=0.002)
