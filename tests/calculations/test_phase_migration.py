"""Hops of a real phase with a real potential, in cells that are too small for a result."""

import numpy as np
import pytest

from mgscreen.calculations import phase_migration as module
from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.interstitial_relax import relaxed_sites
from mgscreen.calculations.migration_document import PhaseMigrationDocument
from mgscreen.calculations.migration_points import PARTS, migration_points, wanted_hops
from mgscreen.calculations.migration_summary import percolate
from mgscreen.calculations.phase_migration import phase_migration
from mgscreen.calculations.phase_migration_dft import phase_migration_dft
from mgscreen.calculations.saddle import find_saddle
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.crystals import cell_policy, load_crystal
from mgscreen.structures.hops import vacancy_hops

LEVEL = Level.parse("mlip:chgnet")
SMALL_A = 5.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("migration")


@pytest.fixture(scope="module")
def crystals(folder):
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        return [relax_crystal(load_crystal(n, primitive=True), LEVEL) for n in ("MgO", "Mg")]


@pytest.fixture(scope="module")
def oxide(folder, crystals):
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        return phase_migration(
            crystals[0], LEVEL, metal=crystals[1], min_supercell_a=SMALL_A, max_hops=1
        )


def test_the_vacancy_of_magnesium_oxide(oxide, folder):
    assert oxide.state == "completed"
    (hop,) = oxide.hops
    assert (oxide.path, oxide.mechanism, oxide.dimension) == (["vacancy-1"], "vacancy", 3)
    assert hop.multiplicity == 12
    assert hop.verified
    assert hop.n_negative == 1
    # the endpoints are images of each other
    assert hop.barrier_ev == pytest.approx(hop.barrier_backward_ev)
    assert oxide.barrier_ev == pytest.approx(hop.barrier_ev)
    assert max(hop.energies_ev) == pytest.approx(hop.barrier_ev)
    assert 1.0 < oxide.barrier_ev < 3.0
    assert oxide.formation_ev > 0
    assert (folder / "files" / oxide.files["vacancy-1"]).read_text().count("Lattice=") == 3


def test_of_two_ways_the_lower_one_is_taken(folder):
    # MgBr2 with this potential: 0.637 eV aside of the straight line, 0.612 on it
    crystal = load_crystal("MgBr2", primitive=True)
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        bulk = relax_crystal(crystal, LEVEL, cell_policy(crystal, LEVEL))
        hop = vacancy_hops(bulk.structure, "Mg", min_supercell_a=10.0)[0]
        atoms = hop.initial.to_ase()
        atoms.calc = get_periodic_engine(LEVEL).calculator(hop.initial, folder)

        def surface(positions):
            atoms.positions[:] = positions
            return atoms.get_potential_energy(), atoms.get_forces()

        found = find_saddle(surface, hop.initial, hop.final, hop.mobile, symmetric=True)
    assert found.verified
    assert found.barrier_forward_ev == pytest.approx(0.612, abs=0.008)
    away = found.saddle[hop.mobile] - 0.5 * np.add(
        hop.initial.positions[hop.mobile], hop.final.positions[hop.mobile]
    )
    assert np.linalg.norm(away) < 0.2
    assert max(found.energies_ev) == found.saddle_energy_ev


def test_rows_say_what_they_are(oxide):
    rows = {p.property: p for p in oxide.properties()}
    assert rows["percolating_barrier"].value == oxide.barrier_ev
    assert "neutral" in rows["percolating_barrier"].reference
    assert "attempt frequency" in rows["defect_diffusivity"].reference
    expected = 1e13 * np.exp(-oxide.barrier_ev / (8.617333262e-5 * 298.15))
    assert rows["hopping_rate"].value == pytest.approx(expected, rel=1e-6)


def test_a_cubic_crystal_has_one_barrier_in_all_directions(oxide):
    rows = {p.property: p for p in oxide.properties()}
    assert rows["percolating_barrier_3d"].value == oxide.barrier_ev
    assert oxide.path_3d == oxide.path


@pytest.mark.parametrize("across", [1.1, 0.4])
def test_a_layered_crystal_has_a_barrier_of_its_own_in_three_dimensions(oxide, across):
    (hop,) = oxide.hops
    hops = [
        hop.model_copy(
            update={
                "name": h.name,
                "layer": h.layer,
                "edges": list(h.edges),
                "limiting_ev": barrier,
            }
        )
        for h, barrier in zip(vacancy_hops(load_crystal("MgBr2"), "Mg"), (0.7, across), strict=True)
    ]
    layered = PhaseMigrationDocument(hops=hops)
    percolate(layered)
    # along c a chain leads on by itself, but only the layers are as low where the gap is high
    lowest = (0.7, 2, "vacancy-1") if across > 0.7 else (0.4, 1, "vacancy-2")
    assert (layered.barrier_ev, layered.dimension, *layered.path) == lowest
    assert layered.barrier_3d_ev == max(0.7, across)
    assert sorted(layered.path_3d) == ["vacancy-1", "vacancy-2"]
    # a way that was not searched is none
    within = PhaseMigrationDocument(hops=hops[:1])
    percolate(within)
    row = {p.property: p for p in within.properties()}["percolating_barrier_3d"]
    assert row.value is None
    assert "three dimensions" in row.reason


@pytest.mark.slow
def test_a_vacancy_crosses_the_gap_by_the_hollow_between_six_bromides(folder, crystals):
    crystal = load_crystal("MgBr2", primitive=True)
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        bulk = relax_crystal(crystal, LEVEL, cell_policy(crystal, LEVEL))
        found = phase_migration(bulk, LEVEL, metal=crystals[1], min_supercell_a=SMALL_A)
    aside, across = found.hops
    assert (aside.layer, across.layer) == ("in-plane", "across")
    assert across.verified
    assert across.intermediate_ev is not None
    assert found.path_3d == ["vacancy-1", "vacancy-2"]
    middle = 0.5 * np.add(
        across.initial.positions[across.mobile], across.final.positions[across.mobile]
    )
    away = np.linalg.norm(np.subtract(across.saddle.positions[across.mobile], middle))
    assert 0.5 < away < 2.6
    assert across.barrier_ev > aside.barrier_ev


def test_a_killed_search_goes_on_from_its_points(oxide, folder, crystals, monkeypatch):
    from mgscreen.calculations import stored_points

    def asked(*_args, **_kwargs):
        msg = "a stored point was computed again"
        raise AssertionError(msg)

    monkeypatch.setattr(stored_points.StoredSurface, "compute", asked)
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        again = phase_migration(
            crystals[0], LEVEL, metal=crystals[1], min_supercell_a=SMALL_A, max_hops=1
        )
    assert again.barrier_ev == oxide.barrier_ev
    assert again.force_calls == oxide.force_calls


def test_an_unfinished_search_fails_with_its_best_profile(tmp_path, crystals, monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLS", 6)
    with use_runtime(Runtime(scratch=tmp_path, files=tmp_path / "files")):
        found = phase_migration(crystals[0], LEVEL, min_supercell_a=SMALL_A, max_hops=1)
    assert found.state == "failed"
    assert "not converged in 6 force calls" in found.reason
    assert found.properties() == []
    (hop,) = found.hops
    assert hop.barrier_ev is None
    assert hop.energies_ev
    assert found.barrier_ev is None


def test_single_points_at_the_same_level_give_the_same_barrier(oxide, tmp_path):
    with use_runtime(Runtime(scratch=tmp_path)):
        again = phase_migration_dft([oxide], LEVEL, always=True)
    assert again.barrier_ev == pytest.approx(oxide.barrier_ev, abs=2e-4)
    (point,) = again.points
    assert point.geometry_level == "mlip:chgnet"
    assert point.max_force_saddle_ev_a < 0.04


def test_energies_of_parts_make_the_same_barrier(oxide, tmp_path):
    with use_runtime(Runtime(scratch=tmp_path)):
        ends, saddles = (migration_points([oxide], LEVEL, part) for part in PARTS)
        put_together = phase_migration_dft([oxide], LEVEL, points=[ends, saddles])
        at_once = phase_migration_dft([oxide], LEVEL)
    assert len(ends.energies) == len(saddles.energies) == 1
    assert not ends.energies.keys() & saddles.energies.keys()
    assert put_together.barrier_ev == pytest.approx(at_once.barrier_ev, abs=2e-4)
    assert put_together.points[0].max_force_saddle_ev_a == pytest.approx(
        at_once.points[0].max_force_saddle_ev_a, abs=1e-3
    )
    assert ends.properties() == []


def test_what_a_part_lacks_is_not_computed_again(oxide, tmp_path):
    with use_runtime(Runtime(scratch=tmp_path)):
        ends = migration_points([oxide], LEVEL, "endpoints")
        alone = phase_migration_dft([oxide], LEVEL, points=[ends, None])
        broken = ends.model_copy(update={"state": "failed", "reason": "out of memory"})
        broken.energies = {}
        said = phase_migration_dft([oxide], LEVEL, points=[ends, broken])
    for document, reason in ((alone, "its job gave no energy"), (said, "out of memory")):
        assert document.state == "failed"
        assert reason in document.reason


def test_relaxing_again_at_the_same_level_changes_nothing(oxide, tmp_path):
    with use_runtime(Runtime(scratch=tmp_path)):
        again = phase_migration_dft([oxide], LEVEL, relax=True)
    assert again.barrier_ev == pytest.approx(oxide.barrier_ev, abs=3e-3)
    assert set(again.points[0].relaxed) == {"initial", "saddle"}


@pytest.mark.parametrize(
    ("other", "needed"), [(0.05, False), (0.5, True)], ids=["agree", "disagree"]
)
def test_phases_whose_potentials_disagree_go_to_dft(oxide, tmp_path, other, needed):
    second = oxide.model_copy(
        update={"level": "mlip:7net-0", "barrier_ev": oxide.barrier_ev + other}
    )
    with use_runtime(Runtime(scratch=tmp_path)):
        found = phase_migration_dft(
            [oxide, second], LEVEL, always=False, max_uncertainty_ev=0.1, geometry="first"
        )
    assert found.needed is needed
    assert bool(found.points) is needed
    assert found.spread_ev == pytest.approx(other)
    assert bool(found.properties()) is needed


@pytest.mark.parametrize("other", [0.05, 0.5], ids=["agree", "disagree"])
def test_parts_are_computed_only_where_the_potentials_disagree(oxide, tmp_path, other):
    second = oxide.model_copy(
        update={"level": "mlip:7net-0", "barrier_ev": oxide.barrier_ev + other}
    )
    with use_runtime(Runtime(scratch=tmp_path)):
        found = migration_points([oxide, second], LEVEL, "saddles", always=False)
    assert found.state == "completed"
    assert found.needed is bool(found.energies) is (other > 0.1)


def test_no_path_at_all_is_a_failure(tmp_path):
    with use_runtime(Runtime(scratch=tmp_path)):
        found = phase_migration_dft([None], LEVEL)
    assert found.state == "failed"
    assert "no potential found a path" in found.reason


def test_a_site_that_an_atom_leaves_is_no_site(crystals):
    def pushed(structure):
        start = np.array(structure.positions)

        def evaluate(positions):
            # the added atom slides 2 angstrom along x into a hollow, the others are tied
            moved = positions - start
            forces = -4.0 * moved
            forces[-1] = -1.0 * (moved[-1] - [2.0, 0.0, 0.0])
            energy = 2.0 * float((moved[:-1] ** 2).sum())
            energy += 0.5 * float(((moved[-1] - [2.0, 0.0, 0.0]) ** 2).sum())
            return energy, forces

        return evaluate

    def tied(structure):
        start = np.array(structure.positions)

        def evaluate(positions):
            moved = positions - start
            return 2.0 * float((moved**2).sum()), -4.0 * moved

        return evaluate

    crystal = crystals[0].structure
    (left,) = relaxed_sites(crystal, "Mg", pushed, min_supercell_a=SMALL_A)
    (held,) = relaxed_sites(crystal, "Mg", tied, min_supercell_a=SMALL_A)
    assert not left.stays
    assert "moves" in left.reason
    assert held.stays
    assert held.moved_a < 0.1


@pytest.mark.parametrize(
    ("mechanisms", "names"),
    [
        ("lowest", ["vacancy-1"]),
        ("each", ["vacancy-1", "interstitial-2"]),
        ("hops", ["vacancy-1", "interstitial-1", "interstitial-2"]),
    ],
)
def test_hops_that_go_to_dft(oxide, mechanisms, names):
    """A way of a mechanism that does not percolate and a failed hop beside the lowest path."""
    (hop,) = oxide.hops
    nowhere = [(0, 0, (0, 0, 0))]
    others = [
        hop.model_copy(update={"name": name, "mechanism": "interstitial", **more})
        for name, more in (
            ("interstitial-1", {"edges": nowhere, "limiting_ev": 0.1}),
            ("interstitial-2", {"limiting_ev": 2.5}),
            ("interstitial-3", {"state": "failed", "saddle": None, "limiting_ev": None}),
        )
    ]
    path = oxide.model_copy(update={"hops": [hop, *others]})
    assert [h.name for h in wanted_hops(path, mechanisms)] == names
