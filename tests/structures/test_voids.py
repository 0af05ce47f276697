import numpy as np
import pytest

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.voids import find_voids, insertion_hosts


def test_octahedral_and_tetrahedral_voids_of_a_close_packing():
    # textbook: a/2 from the centre of the octahedron, sqrt(3)/4 a from that of the tetrahedron
    a = 4.05
    voids = find_voids(load_crystal("Al"), kinds=2)
    kinds = [[v for v in voids if v.kind == k] for k in (0, 1)]
    assert [len(k) for k in kinds] == [4, 8]
    assert kinds[0][0].radius_a == pytest.approx(a / 2, rel=1e-3)
    assert kinds[1][0].radius_a == pytest.approx(np.sqrt(3) / 4 * a, rel=1e-3)


def test_inner_sites_of_the_chevrel_phase():
    # six inner sites around the void between the clusters, as the symmetry -3 makes them
    voids = find_voids(load_crystal("Mo6S8", primitive=True))
    inner = [v for v in voids if v.kind == 0]
    assert len(inner) == 6
    assert 2.3 < inner[0].radius_a < 2.7


@pytest.mark.parametrize("n", [1, 2])
def test_starts_keep_the_host_and_their_distance(n):
    host = load_crystal("Mo6S8", primitive=True)
    starts = insertion_hosts(host, "Mg", n, max_starts=5)
    assert 1 < len(starts) <= 5
    for start in starts:
        assert start.symbols == (*host.symbols, *["Mg"] * n)
        assert start.positions[: len(host.symbols)] == host.positions
        if n == 2:
            assert start.to_ase().get_distance(-1, -2, mic=True) > 2.2
    assert insertion_hosts(host, "Mg", n, max_starts=5) == starts


def test_each_arrangement_once():
    # four octahedra of a cubic cell are one; any two of them are one pair, too
    starts = insertion_hosts(load_crystal("Al"), "Li", 2, max_starts=1)
    assert len(starts) == 1
    one = insertion_hosts(load_crystal("Al"), "Li", 1)
    assert len(one) == len({v.kind for v in find_voids(load_crystal("Al"))})


def test_what_does_not_fit_is_refused():
    host = load_crystal("Mo6S8", primitive=True)
    with pytest.raises(InputError, match="at least 1"):
        insertion_hosts(host, "Mg", 0)
    with pytest.raises(InputError, match="do not fit"):
        insertion_hosts(load_crystal("Al", primitive=True), "Mg", 4)
    molecule = AtomicStructure(symbols=("He",), positions=((0.0, 0.0, 0.0),))
    with pytest.raises(InputError, match="three-dimensional"):
        find_voids(molecule)
