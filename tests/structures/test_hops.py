from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.hop_network import Network, SpaceGroup, passes_site
from mgscreen.structures.hops import interstitial_hops, vacancy_hops
from mgscreen.structures.interstitials import interstitial_sites
from mgscreen.structures.layers import layers_of
from mgscreen.structures.percolation import bottleneck, percolation_dimension
from mgscreen.structures.supercells import (
    image_distance,
    make_supercell,
    primitive_cell,
    supercell_matrix,
)

PHASES = ["MgO", "MgF2", "MgBr2", "MgCl2", "Mg2Ga5", "MgS", "Mg(OH)2", "MgCO3", "MgH2", "Mg3N2"]


@cache
def hops_of(name, mechanism="vacancy", **options):
    enumerate_hops = vacancy_hops if mechanism == "vacancy" else interstitial_hops
    return enumerate_hops(load_crystal(name), "Mg", **options)


def same_atoms(first, second, tolerance=0.03):
    """Whether two lists of (symbol, position) are one structure in one periodic cell."""
    symbols, positions = first
    others, places, cell = second
    inverse = np.linalg.inv(cell)
    apart = (positions[:, None] - places[None]) @ inverse
    distance = np.linalg.norm((apart - np.rint(apart)) @ cell, axis=2)
    to = distance.argmin(axis=1)
    return (
        sorted(to.tolist()) == list(range(len(symbols)))
        and distance.min(axis=1).max() < tolerance
        and all(symbols[i] == others[j] for i, j in enumerate(to))
    )


def apply(operation, structure):
    rotation, translation = (np.array(part) for part in operation)
    return structure.symbols, np.array(structure.positions) @ rotation.T + translation


def atoms_of(structure):
    return structure.symbols, np.array(structure.positions), np.array(structure.cell)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # length, equal hops from a site, dimensions; by hand from the lattice constants
        ("MgO", [(4.212 / 2**0.5, 12, 3), (4.212, 6, 3)]),
        (
            "MgF2",
            [(3.0519, 2, 1), ((4.6213**2 / 2 + 3.0519**2 / 4) ** 0.5, 8, 3)],
        ),
        ("MgBr2", [(3.81, 6, 2), (6.26, 2, 1)]),
        # the layers of MgCl2 follow each other like those of fcc
        ("MgCl2", [(3.6263, 6, 2), ((3.6263**2 / 3 + (17.6663 / 3) ** 2) ** 0.5, 6, 3)]),
        ("Mg(OH)2", [(3.149, 6, 2), (4.769, 2, 1)]),
    ],
)
def test_lengths_multiplicities_and_networks(name, expected):
    found = hops_of(name)
    assert [h.distance_a for h in found] == pytest.approx([e[0] for e in expected], abs=5e-3)
    assert [h.multiplicity for h in found] == [e[1] for e in expected]
    assert [percolation_dimension(h.edges) for h in found] == [e[2] for e in expected]
    assert [h.name for h in found] == [f"vacancy-{i + 1}" for i in range(len(found))]


def test_two_hops_carry_magnesium_through_ga5mg2_only_together():
    found = hops_of("Mg2Ga5")
    assert [h.distance_a for h in found] == pytest.approx([3.6, 3.6], abs=0.2)
    assert percolation_dimension(found[0].edges) == 0
    assert percolation_dimension(e for h in found for e in h.edges) == 3
    assert bottleneck([(found[0].edges, 0.1), (found[1].edges, 0.3)])[0] == 0.3


@pytest.mark.parametrize("name", PHASES)
def test_supercell_keeps_images_apart(name):
    for hop in hops_of(name):
        assert image_distance(hop.initial.cell) >= 10.0 - 1e-6


@pytest.mark.parametrize(("name", "most"), [("MgO", 100), ("Mg2Ga5", 70), ("MgF2", 84)])
def test_supercell_is_small(name, most):
    crystal = load_crystal(name)
    assert len(make_supercell(crystal, supercell_matrix(crystal)).symbols) <= most


def test_no_smaller_supercell_exists():
    # an independent search: all triples of lattice vectors not much longer than the limit
    crystal = load_crystal("Mg2Ga5")
    primitive = primitive_cell(crystal)
    cell = np.array(primitive.cell)
    grid = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(grid @ cell, axis=1)
    vectors = grid[(lengths >= 10 - 1e-6) & (lengths < 16)]
    chosen = round(np.linalg.det(np.array(supercell_matrix(crystal))))
    crosses = np.cross(vectors[:, None], vectors[None])
    volumes = np.abs(np.einsum("abk,ck->abc", crosses, vectors))
    smaller = np.argwhere((volumes > 0.5) & (volumes < chosen - 0.5))
    rng = np.random.default_rng(0)
    for a, b, c in rng.permutation(smaller)[:1000]:
        assert image_distance(vectors[[a, b, c]] @ cell) < 10.0


@pytest.mark.parametrize("name", ["MgO", "MgF2"])
def test_supercell_can_keep_the_symmetry(name):
    found = hops_of(name, keep_symmetry=True)
    assert all(h.symmetric for h in found)
    plain = hops_of(name)
    assert [h.multiplicity for h in found] == [h.multiplicity for h in plain]
    assert len(found[0].initial.symbols) >= len(plain[0].initial.symbols)
    assert len(found[0].operations) > len(plain[0].operations)


@pytest.mark.parametrize("mechanism", ["vacancy", "interstitial"])
@pytest.mark.parametrize("name", ["MgO", "MgF2", "MgBr2", "Mg2Ga5", "Mg3N2"])
def test_ends_of_a_hop(name, mechanism):
    for hop in hops_of(name, mechanism):
        assert hop.initial.symbols == hop.final.symbols
        assert hop.initial.symbols[hop.mobile] == "Mg"
        moved = np.array(hop.final.positions) - np.array(hop.initial.positions)
        assert np.flatnonzero(np.linalg.norm(moved, axis=1)).tolist() == [hop.mobile]
        assert np.linalg.norm(moved[hop.mobile]) == pytest.approx(hop.distance_a)
        assert moved[hop.mobile] / hop.distance_a == pytest.approx(np.array(hop.direction))
        # no other image of the end is as near
        cell = np.array(hop.initial.cell)
        grid = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3), axis=-1).reshape(-1, 3) @ cell
        images = np.sort(np.linalg.norm(moved[hop.mobile] + grid, axis=1))
        assert images[0] == pytest.approx(hop.distance_a)
        assert images[1] > images[0] + 0.4
        middle = hop.initial.to_ase()
        middle.positions[hop.mobile] += moved[hop.mobile] / 2
        others = [i for i in range(len(middle)) if i != hop.mobile]
        nearest = middle.get_distances(hop.mobile, others, mic=True).min()
        assert hop.nearest_a == pytest.approx(nearest, abs=1e-6)


@pytest.mark.parametrize("mechanism", ["vacancy", "interstitial"])
@pytest.mark.parametrize("name", PHASES)
def test_operations_exchange_the_ends(name, mechanism):
    for hop in hops_of(name, mechanism):
        assert hop.symmetric == (hop.mapping is not None)
        assert hop.symmetric >= bool(hop.operations)
        assert hop.operation == (hop.operations[0] if hop.operations else None)
        if hop.mapping:
            assert same_atoms(apply(hop.mapping, hop.initial), atoms_of(hop.final))
        for operation in hop.operations:
            rotation = np.array(operation[0])
            assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=5e-3)
            assert same_atoms(apply(operation, hop.initial), atoms_of(hop.final))
            assert same_atoms(apply(operation, hop.final), atoms_of(hop.initial))
            # the mobile atom goes over to the other end itself, not to an image of it
            assert apply(operation, hop.initial)[1][hop.mobile] == pytest.approx(
                np.array(hop.final.positions[hop.mobile]), abs=0.03
            )


def test_hop_in_rock_salt_has_its_three_ways_to_turn_round():
    # mirror plane across the hop, twofold axes, inversion centre in the middle
    traces = [round(np.trace(op[0])) for op in hops_of("MgO", keep_symmetry=True)[0].operations]
    assert traces == [1, -1, -1, -3]


def test_vacancy_hops_of_a_crystal_share_their_start():
    for name in ("MgO", "MgF2", "Mg2Ga5", "MgCO3", "Mg3N2"):
        assert len({h.initial for h in hops_of(name)}) == 1


def test_layers():
    # by default, hops go as far as it takes to leave a layer
    assert [(h.layer, round(h.distance_a, 2)) for h in hops_of("MgBr2")] == [
        ("in-plane", 3.81),
        ("across", 6.26),
    ]
    for name in ("MgCl2", "MgI2"):
        assert {h.layer for h in hops_of(name)} == {"in-plane", "across"}
    assert [h.layer for h in hops_of("Mg(OH)2")] == ["in-plane", "across"]
    assert {h.layer for h in hops_of("MgO")} == {""}


def test_a_hop_through_a_site_is_two_hops():
    lengths = [h.distance_a for h in hops_of("MgO", max_distance_a=6.0)]
    # 5.96 is twice 2.98 in one direction, 5.16 at 120 degrees; 4.21 at 90 is a hop of its own
    assert lengths == pytest.approx([2.978, 4.212], abs=2e-3)


@pytest.mark.parametrize(("aside", "two"), [(0.0, True), (0.1, True), (0.2, False)])
def test_a_site_beside_the_line_makes_two_hops_where_it_is_no_detour(aside, two):
    sites = np.array([[0.1, 0.5, 0.5], [0.3, 0.5 + aside, 0.5], [0.5, 0.5, 0.5]])
    alone = SpaceGroup(rotations=np.eye(3, dtype=int)[None], translations=np.zeros((1, 3)))
    network = Network.of(10.0 * np.eye(3), sites, alone)
    assert passes_site(network, (0, 2, (0, 0, 0))) is two
    assert not passes_site(network, (0, 1, (0, 0, 0)))


def test_a_hop_between_gaps_crosses_a_layer_and_one_within_a_gap_does_not():
    crystal = primitive_cell(load_crystal("MgBr2"))
    layers = layers_of(crystal)
    assert layers is not None
    c = 6.26
    assert layers.period == pytest.approx(c)
    magnesium = crystal.positions[crystal.symbols.index("Mg")]
    (height,) = layers.heights
    assert np.isclose((height - magnesium[2] + 1.0) % c, 1.0)
    up = np.array([0.0, 0.0, 1.0])
    across = [(0.2, 0.8, False), (0.0, 0.5, False), (0.0, 1.0, True), (0.4, 1.6, True)]
    for start, end, crosses in across:
        ends = magnesium + start * c * up, magnesium + end * c * up
        assert layers.crosses(*ends) is crosses
        assert layers.crosses(*reversed(ends)) is crosses
    assert layers_of(primitive_cell(load_crystal("MgO"))) is None


def test_edges_start_at_every_site_as_often_as_the_multiplicity_says():
    for name in ("MgO", "MgF2", "Mg3N2", "MgCO3"):
        for hop in hops_of(name):
            ends = [end for i, j, _ in hop.edges for end in (i, j)]
            counts = {ends.count(site) for site in set(ends)}
            assert counts == {hop.multiplicity}


# invariance -----------------------------------------------------------------


def summary(hops):
    return [
        (
            round(h.distance_a, 3),
            h.multiplicity,
            h.layer,
            len(h.initial.symbols),
            round(h.nearest_a, 3),
            percolation_dimension(h.edges),
            len(h.edges),
        )
        for h in hops
    ]


def changed(crystal, shift, order, lattice):
    atoms = crystal.to_ase()[list(order)]
    atoms.set_scaled_positions(atoms.get_scaled_positions() + np.array(shift))
    cell = atoms.cell[:].copy()
    first, second, times = lattice
    cell[first] += times * cell[second]
    atoms.set_cell(cell, scale_atoms=False)
    atoms.wrap()
    return AtomicStructure.from_ase(atoms, label=crystal.label)


@pytest.mark.parametrize("name", ["MgF2", "MgBr2", "Mg2Ga5"])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_nothing_depends_on_how_the_crystal_is_written(name, data):
    crystal = load_crystal(name)
    shift = data.draw(st.tuples(*[st.floats(-1, 1)] * 3))
    order = data.draw(st.permutations(range(len(crystal.symbols))))
    lattice = data.draw(
        st.sampled_from([(i, j, n) for i in range(3) for j in range(3) if i != j for n in (-1, 1)])
    )
    other = changed(crystal, shift, order, lattice)
    assert summary(vacancy_hops(other, "Mg")) == summary(hops_of(name))


def test_a_supercell_as_input_is_the_same_crystal():
    crystal = load_crystal("MgF2")
    double = AtomicStructure.from_ase(crystal.to_ase() * (2, 1, 1))
    assert summary(vacancy_hops(double, "Mg")) == summary(hops_of("MgF2"))


def sites_of(crystal):
    return [
        (s.name, s.multiplicity, s.coordination, round(s.radius_a, 2))
        for s in interstitial_sites(crystal, "Mg")
    ]


@pytest.mark.parametrize("name", ["MgO", "MgF2", "MgBr2", "Mg2Ga5"])
def test_sites_do_not_depend_on_how_the_crystal_is_written(name):
    crystal = load_crystal(name)
    order = list(range(len(crystal.symbols)))[::-1]
    other = changed(crystal, (0.137, -0.41, 0.29), order, (0, 1, 1))
    assert sites_of(other) == sites_of(crystal)


# interstitials --------------------------------------------------------------


def test_tetrahedral_sites_of_rock_salt():
    (site,) = interstitial_sites(load_crystal("MgO"), "Mg")
    assert site.name == "tetrahedral-1"
    assert site.multiplicity == 2
    assert site.coordination == (4, ("O",))
    assert site.radius_a == pytest.approx(4.212 * 3**0.5 / 4)


def test_octahedral_site_of_the_gap():
    sites = {s.name: s for s in interstitial_sites(load_crystal("MgBr2"), "Mg")}
    octahedral = sites["octahedral-1"]
    assert octahedral.position == pytest.approx((0, 0, 0.5), abs=1e-6)
    assert octahedral.coordination == (6, ("Br",))
    assert octahedral.multiplicity == 1
    assert sites["tetrahedral-1"].multiplicity == 2


def test_interstitial_of_another_element():
    crystal = load_crystal("MgO")
    (hop, *_) = interstitial_hops(crystal, "Li")
    assert hop.species == "Li"
    assert hop.initial.symbols[hop.mobile] == "Li"
    assert hop.mobile == len(hop.initial.symbols) - 1
    assert hop.distance_a == pytest.approx(4.212 / 2)


def test_gap_hops_between_octahedral_and_tetrahedral_sites_make_a_layer():
    found = hops_of("MgBr2", "interstitial")
    assert any(h.layer == "in-plane" and percolation_dimension(h.edges) == 2 for h in found)


# percolation ----------------------------------------------------------------


def test_dimension_of_small_networks():
    x, y, z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
    assert percolation_dimension([]) == 0
    assert percolation_dimension([(0, 1, (3, 2, 1))]) == 0
    assert percolation_dimension([(0, 0, x)]) == 1
    # two channels that do not meet do not make a layer
    assert percolation_dimension([(0, 0, x), (1, 1, y)]) == 1
    assert percolation_dimension([(0, 0, x), (1, 1, y), (0, 1, (0, 0, 0))]) == 2
    assert percolation_dimension([(0, 0, x), (0, 0, y), (0, 0, z)]) == 3
    assert percolation_dimension([(0, 1, (0, 0, 0)), (1, 0, x)]) == 1


@given(
    gauge=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=4, max_size=4),
    edges=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.tuples(*[st.integers(-1, 1)] * 3)),
        max_size=8,
    ),
)
def test_dimension_does_not_depend_on_the_cell_of_a_site(gauge, edges):
    moved = [
        (i, j, tuple(t + b - a for t, a, b in zip(step, gauge[i], gauge[j], strict=True)))
        for i, j, step in edges
    ]
    assert percolation_dimension(moved) == percolation_dimension(edges)


def test_bottleneck():
    channel, rung = [(0, 0, (0, 0, 1))], [(0, 1, (0, 0, 0))]
    across = [(1, 0, (1, 0, 0))]
    hops = [(channel, 1.1), (rung, 0.2), (across, 0.5)]
    assert bottleneck(hops) == (0.5, 1, [1, 2])
    assert bottleneck(hops, dimension=2) == (1.1, 2, [1, 2, 0])
    assert bottleneck(hops, dimension=3) == (float("inf"), 2, [])
    assert bottleneck([(rung, 0.2)]) == (float("inf"), 0, [])
    assert bottleneck([]) == (float("inf"), 0, [])
    assert bottleneck([(channel, float("inf"))]) == (float("inf"), 0, [])


def test_what_cannot_be_done_is_said():
    crystal = load_crystal("MgO")
    with pytest.raises(InputError, match="MgO contains no Zn"):
        vacancy_hops(crystal, "Zn")
    with pytest.raises(InputError, match="allow longer hops"):
        vacancy_hops(crystal, "Mg", max_distance_a=2.0)
    with pytest.raises(InputError, match="not an element"):
        interstitial_sites(crystal, "Xx")
    with pytest.raises(InputError, match="must be positive"):
        supercell_matrix(crystal, 0.0)
    with pytest.raises(InputError, match="positive volume"):
        make_supercell(crystal, ((0, 0, 0), (0, 1, 0), (0, 0, 1)))
    molecule = AtomicStructure(symbols=("He",), positions=((0, 0, 0),))
    with pytest.raises(InputError, match="not a three-dimensional crystal"):
        vacancy_hops(molecule, "He")
