from collections import Counter

import numpy as np
import pytest

from mgscreen.core.errors import InputError
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.sites import adsorption_sites
from mgscreen.structures.slabs import build_slab


@pytest.fixture(scope="module")
def mg():
    return build_slab(load_crystal("Mg"), (0, 0, 1))


def test_preset_slab(mg):
    assert len(mg.structure.symbols) == 36
    assert Counter(mg.layers) == {0: 9, 1: 9, 2: 9, 3: 9}
    assert mg.fixed == tuple(range(18))
    assert mg.symmetric
    cell = mg.structure.to_ase().cell.cellpar()
    assert cell[:2] == pytest.approx([3 * 3.2094] * 2)
    assert cell[5] == pytest.approx(120)
    heights = np.array(mg.structure.positions)[:, 2]
    assert np.ptp(heights) == pytest.approx(1.5 * 5.2105)
    assert cell[2] - np.ptp(heights) == pytest.approx(15.0)
    assert mg.structure.pbc == (True, True, False)


def test_distances_in_slab_are_those_of_the_crystal(mg):
    from ase.neighborlist import neighbor_list

    distance = neighbor_list("d", mg.structure.to_ase(), 3.3)
    # 12 neighbours inside, 9 in either surface layer
    assert len(distance) == 18 * 12 + 18 * 9
    assert distance.min() == pytest.approx(3.197, abs=2e-3)


def test_sites_on_basal_plane(mg):
    sites = {s.name: s for s in adsorption_sites(mg)}
    assert list(sites) == [
        "top", "bridge", "hcp", "fcc",
        "subsurface-octahedral", "subsurface-tetrahedral-1", "subsurface-tetrahedral-2",
    ]  # fmt: skip
    assert [s.multiplicity for s in sites.values()] == [9, 27, 9, 9, 9, 9, 9]
    below = [
        np.linalg.norm(np.array(sites[name].position)[:2] - np.array(p)[:2])
        for name in ("hcp", "fcc")
        for i, p in enumerate(mg.structure.positions)
        if mg.layers[i] == 2
    ]
    assert min(below[:9]) < 0.01
    assert min(below[9:]) > 1.0
    assert len(sites["subsurface-octahedral"].neighbours) == 6


@pytest.mark.parametrize(
    ("name", "miller", "atoms", "sites"),
    [
        ("Zn", (0, 0, 1), 36, {"top": 9, "bridge": 27, "hcp": 9, "fcc": 9}),
        ("Al", (1, 1, 1), 36, {"top": 9, "bridge": 27, "hcp": 9, "fcc": 9}),
        ("Al", (1, 0, 0), 36, {"top": 9, "bridge": 18, "hollow": 9}),
        ("Na", (1, 0, 0), 36, {"top": 9, "bridge": 18, "hollow": 9}),
        ("Li", (1, 1, 0), 36, {"top": 9, "bridge-1": 9, "bridge-2": 18, "hollow": 18}),
        ("MgO", (1, 0, 0), 72, {"top-1": 9, "top-2": 9, "bridge": 36, "hollow": 18}),
    ],
)
def test_surfaces_of_other_crystals(name, miller, atoms, sites):
    slab = build_slab(load_crystal(name), miller)
    assert len(slab.structure.symbols) == atoms
    found = {s.name: s.multiplicity for s in adsorption_sites(slab, subsurface=False)}
    assert found == sites


def test_compound_keeps_its_composition():
    slab = build_slab(load_crystal("MgBr2"), (0, 0, 1), layers=6, supercell=(2, 2))
    count = Counter(slab.structure.symbols)
    assert count["Br"] == 2 * count["Mg"]


def test_order_and_sites_repeat():
    first, second = (build_slab(load_crystal("Mg"), (0, 0, 1), supercell=(2, 2)) for _ in range(2))
    assert first == second
    assert adsorption_sites(first) == adsorption_sites(second)


def test_sites_do_not_depend_on_the_supercell():
    small = build_slab(load_crystal("Mg"), (0, 0, 1), supercell=(2, 2))
    names = [s.name for s in adsorption_sites(small)]
    assert names == [s.name for s in adsorption_sites(build_slab(load_crystal("Mg"), (0, 0, 1)))]


@pytest.mark.parametrize("bad", [{"layers": 0}, {"fixed_layers": 4}, {"termination": 3}])
def test_refused(bad):
    with pytest.raises(InputError):
        build_slab(load_crystal("Mg"), (0, 0, 1), **bad)
