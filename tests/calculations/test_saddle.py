"""Saddles on surfaces whose barrier is known, and what a barrier may not depend on."""

import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixedPlane
from ase.geometry import find_mic
from ase.mep import NEB
from ase.optimize import BFGS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgscreen.calculations.saddle import find_saddle
from mgscreen.calculations.saddle_start import hop_rotations
from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.hops import vacancy_hops


def surface_of(structure, calculator=None):
    """Return what a search asks: positions to energy and forces; counts its calls."""
    atoms = structure.to_ase()
    atoms.calc = calculator or EMT()

    def evaluate(positions):
        atoms.positions[:] = positions
        evaluate.calls += 1
        return atoms.get_potential_energy(), atoms.get_forces()

    evaluate.calls = 0
    return evaluate


# -- an exact barrier -----------------------------------------------------------------------------
def double_well(tilt):
    """A quartic double well along x, bent in y and tied to a frame: every number is exact.

    V = 0.6 (u^2 - 1)^2 + tilt u + 4 (y - 0.5 u^2)^2 + 4 z^2 with u = x / 1.2 A; the frame of three
    atoms is held by springs of its own.
    """
    height, width, bend, stiff = 0.6, 1.2, 0.5, 8.0
    frame = np.array([[-3.0, -3.0, 0.0], [3.0, -3.0, 0.0], [0.0, 4.0, 1.0]])
    cell = np.eye(3) * 12.0

    def evaluate(positions):
        x, y, z = positions[3]
        u = x / width
        away = y - bend * u**2
        energy = height * (u**2 - 1) ** 2 + tilt * u + 0.5 * stiff * (away**2 + z**2)
        du = 4 * height * u * (u**2 - 1) + tilt - stiff * away * 2 * bend * u
        forces = np.zeros((4, 3))
        forces[3] = [-du / width, -stiff * away, -stiff * z]
        shift = positions[:3] - frame
        forces[:3] = -10.0 * shift
        return energy + 5.0 * float((shift**2).sum()), forces

    def at(u):
        place = np.vstack([frame, [[u * width, bend * u**2, 0.0]]])
        return AtomicStructure(
            symbols=("O", "O", "O", "Mg"),
            positions=tuple(map(tuple, place.tolist())),
            cell=tuple(map(tuple, cell.tolist())),
            pbc=(True, True, True),
        )

    # stationary points: 4 h u (u^2 - 1) + tilt = 0, in order minimum, saddle, minimum
    roots = sorted(np.roots([4 * height, 0.0, -4 * height, tilt]).real.tolist())
    energies = [height * (u**2 - 1) ** 2 + tilt * u for u in roots]
    return evaluate, at(-1.0), at(1.0), energies


@pytest.mark.parametrize("tilt", [0.0, 0.1, -0.2])
def test_exact_barrier_of_a_bent_double_well(tilt):
    evaluate, initial, final, (low, top, high) = double_well(tilt)
    found = find_saddle(evaluate, initial, final, 3, symmetric=False, fmax=0.01)
    assert found.converged
    assert found.n_negative == 1
    assert found.connects
    assert found.barrier_forward_ev == pytest.approx(top - low, abs=2e-3)
    assert found.barrier_backward_ev == pytest.approx(top - high, abs=2e-3)


@pytest.mark.parametrize("tilt", [0.0, 0.15])
def test_forward_and_backward_differ_by_the_energies_of_the_endpoints(tilt):
    evaluate, initial, final, _ = double_well(tilt)
    there = find_saddle(evaluate, initial, final, 3, symmetric=False, fmax=0.01)
    back = find_saddle(evaluate, final, initial, 3, symmetric=False, fmax=0.01)
    difference = there.final_energy_ev - there.initial_energy_ev
    assert there.barrier_forward_ev - there.barrier_backward_ev == pytest.approx(difference)
    assert back.barrier_forward_ev == pytest.approx(there.barrier_backward_ev, abs=2e-3)
    assert back.barrier_backward_ev == pytest.approx(there.barrier_forward_ev, abs=2e-3)


def test_the_path_goes_from_one_endpoint_over_the_saddle_to_the_other():
    evaluate, initial, final, _ = double_well(0.1)
    found = find_saddle(evaluate, initial, final, 3, symmetric=False, fmax=0.01)
    assert len(found.images) == len(found.energies_ev) == len(found.coordinates_a)
    assert np.all(np.diff(found.coordinates_a) >= 0)
    assert found.energies_ev[0] == found.initial_energy_ev
    assert found.energies_ev[-1] == found.final_energy_ev
    assert max(found.energies_ev) == pytest.approx(found.saddle_energy_ev)


# -- a third place between the ends ------------------------------------------------------------
def with_a_well_between(depth, rise=3.0):
    """A double well with another one between: V = (u^2 - 1)^2 (rise u^2 - depth) along x.

    Saddles at u^2 = (rise + 2 depth) / (3 rise).
    """
    evaluate, first, last, _ = double_well(0.0)

    def both(positions):
        energy, forces = evaluate(positions)
        u = positions[3, 0] / 1.2
        more = rise * u**2 - depth - 0.6
        forces[3, 0] -= (4 * u * (u**2 - 1) * more + (u**2 - 1) ** 2 * 2 * rise * u) / 1.2
        return energy + (u**2 - 1) ** 2 * more, forces

    top = (rise + 2 * depth) / (3 * rise)
    return both, first, last, (top - 1) ** 2 * (rise * top - depth)


@pytest.mark.parametrize("depth", [-0.2, 0.0, 0.05, 0.4, 1.0])
@pytest.mark.parametrize("symmetric", [True, False])
def test_a_place_between_the_ends_is_an_intermediate(depth, symmetric):
    surface, first, last, exact = with_a_well_between(depth)
    found = find_saddle(surface, first, last, 3, symmetric=symmetric, fmax=0.02)
    assert found.converged
    assert found.verified
    assert found.method != "ci-neb"
    assert found.barrier_forward_ev == pytest.approx(exact, abs=2e-3)
    assert found.intermediate[1] - found.initial_energy_ev == pytest.approx(-depth, abs=2e-3)
    assert found.energies_ev[0] == pytest.approx(found.energies_ev[-1], abs=2e-3)


# -- an endpoint with two minima -------------------------------------------------------------------
def with_two_minima(height=1.2, pull=0.5, strength=14.0):
    """A double well beside an atom that has a shallow and a deep place; the hop pulls it over.

    W(q) rises with strength q (q - 0.3) (q - 0.8): minima at q = 0 and, 0.12 eV lower, near 0.8;
    the mobile atom at the top of its way draws with ``pull``.
    """
    evaluate, first, last, _ = double_well(0.0)
    frame = np.array(first.positions)[0]

    def beside(q, u):
        w = strength * (q**4 / 4 - 1.1 * q**3 / 3 + 0.24 * q**2 / 2)
        slope = strength * q * (q - 0.3) * (q - 0.8)
        near = np.exp(-4.0 * u**2)
        return w - pull * q * near, slope - pull * near, 8.0 * u * pull * q * near

    def both(positions):
        x = positions.copy()
        q, x[0, 1] = x[0, 1] - frame[1], frame[1]  # this atom's y has the two minima
        u = x[3, 0] / 1.2
        energy, forces = evaluate(x)
        more, slope, across = beside(q, u)
        forces[0, 1] = -slope
        forces[3, 0] -= across / 1.2
        lift = (height - 0.6) * (u**2 - 1) ** 2
        forces[3, 0] -= (height - 0.6) * 4 * u * (u**2 - 1) / 1.2
        return energy + more + lift, forces

    grid = np.linspace(-0.2, 1.2, 20001)
    u = np.linspace(0.9, 1.1, 401)[:, None]
    deep = (height * (u**2 - 1) ** 2 + beside(grid[grid > 0.5], u)[0]).min()
    return both, first, last, height + beside(grid, 0.0)[0].min() - deep


def test_the_forces_of_the_surface_with_two_minima_are_its_slopes():
    surface, first, _, _ = with_two_minima()
    x = np.array(first.positions) + np.random.default_rng(3).normal(0, 0.1, (4, 3))
    for atom, axis in ((0, 1), (3, 0), (3, 1), (1, 2)):
        step = np.zeros((4, 3))
        step[atom, axis] = 1e-5
        slope = (surface(x + step)[0] - surface(x - step)[0]) / 2e-5
        assert surface(x)[1][atom, axis] == pytest.approx(-slope, abs=1e-6)


def test_a_barrier_counts_from_the_minimum_that_the_way_down_leads_to():
    surface, first, last, exact = with_two_minima()
    found = find_saddle(surface, first, last, 3, symmetric=False, fmax=0.005)
    assert found.converged
    assert found.connects
    assert found.method != "ci-neb"
    assert found.barrier_forward_ev == pytest.approx(exact, abs=1e-3)
    assert found.barrier_backward_ev == pytest.approx(exact, abs=1e-3)
    assert sum("relaxes further on the way down" in w for w in found.warnings) == 2
    # the ends of the path are the ends that the barrier counts from
    assert found.energies_ev[0] == found.initial_energy_ev
    assert found.energies_ev[-1] == found.final_energy_ev


# -- an adatom on a metal -------------------------------------------------------------------------
def adatom():
    """Cu on Cu(100), from a hollow to the next one; the two lower layers are held."""
    slab = fcc100("Cu", (3, 3, 3), vacuum=8.0)
    add_adsorbate(slab, "Cu", 1.8, "hollow")
    slab.pbc = True
    held = [i for i, tag in enumerate(slab.get_tags()) if tag >= 2]
    slab.set_constraint()
    first = slab.copy()
    last = slab.copy()
    last.positions[-1] += slab.cell[0] / 3
    return first, last, held


def bridge_energy(first, last, held):
    """Energy of the relaxed bridge, held on its mirror plane, minus that of the hollow."""
    low = first.copy()
    low.calc = EMT()
    low.set_constraint(FixAtoms(held))
    BFGS(low, logfile=None).run(fmax=0.002)
    top = first.copy()
    top.positions[-1] = 0.5 * (first.positions[-1] + last.positions[-1])
    top.calc = EMT()
    top.set_constraint([FixAtoms(held), FixedPlane(len(top) - 1, (1, 0, 0))])
    BFGS(top, logfile=None).run(fmax=0.002)
    return top.get_potential_energy() - low.get_potential_energy()


@pytest.fixture(scope="module")
def hop_on_copper():
    first, last, held = adatom()
    return first, last, held, bridge_energy(first, last, held)


@pytest.mark.parametrize("symmetric", [True, False])
def test_adatom_hops_over_the_bridge(hop_on_copper, symmetric):
    first, last, held, exact = hop_on_copper
    initial, final = AtomicStructure.from_ase(first), AtomicStructure.from_ase(last)
    found = find_saddle(
        surface_of(initial),
        initial,
        final,
        len(first) - 1,
        symmetric=symmetric,
        fixed=held,
        fmax=0.01,
    )
    assert found.verified
    assert found.barrier_forward_ev == pytest.approx(exact, abs=0.003)
    assert found.barrier_backward_ev == pytest.approx(exact, abs=0.003)


def test_same_saddle_as_a_climbing_band_for_fewer_calls(hop_on_copper):
    first, last, held, _ = hop_on_copper
    initial, final = AtomicStructure.from_ase(first), AtomicStructure.from_ase(last)
    evaluate = surface_of(initial)
    found = find_saddle(
        evaluate, initial, final, len(first) - 1, symmetric=True, fixed=held, fmax=0.03
    )
    assert found.force_calls == evaluate.calls
    ends, steps = [], 0
    for atoms in (first.copy(), last.copy()):
        atoms.calc = EMT()
        atoms.set_constraint(FixAtoms(held))
        opt = BFGS(atoms, logfile=None)
        opt.run(fmax=0.03)
        steps += opt.nsteps + 1
        ends.append(atoms)
    images = [ends[0], *(ends[0].copy() for _ in range(5)), ends[1]]
    band = NEB(images, climb=True, method="improvedtangent")
    band.interpolate("idpp", mic=True)
    for image in images[1:-1]:
        image.calc = EMT()
    opt = BFGS(band, logfile=None)
    assert opt.run(fmax=0.03, steps=200)
    barrier = max(i.get_potential_energy() for i in images) - ends[0].get_potential_energy()
    assert found.barrier_forward_ev == pytest.approx(barrier, abs=0.01)
    assert found.force_calls < (steps + 5 * (opt.nsteps + 1)) / 2


# -- what a barrier may not depend on -------------------------------------------------------------
@pytest.fixture(scope="module")
def vacancy():
    """The vacancy of Al, nearest neighbours, and its barrier."""
    crystal = AtomicStructure.from_ase(bulk("Al", "fcc", a=3.995, cubic=True))
    hop = vacancy_hops(crystal, "Al", max_distance_a=3.0, min_supercell_a=7.5)[0]
    return hop, barrier_of(hop.initial, hop.final, hop.mobile)


def barrier_of(initial, final, mobile):
    found = find_saddle(surface_of(initial), initial, final, mobile, symmetric=True, fmax=0.01)
    assert found.verified
    return found.barrier_forward_ev


def rebuilt(structure, positions, order=None):
    order = list(range(len(structure.symbols))) if order is None else order
    return structure.model_copy(
        update={
            "symbols": tuple(structure.symbols[i] for i in order),
            "positions": tuple(tuple(map(float, positions[i])) for i in order),
        }
    )


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**31), shift=st.tuples(*[st.integers(-2, 2)] * 3))
def test_order_of_atoms_and_lattice_vectors_do_not_change_a_barrier(vacancy, seed, shift):
    hop, barrier = vacancy
    order = np.random.default_rng(seed).permutation(len(hop.initial.symbols)).tolist()
    first = np.array(hop.initial.positions)
    last = np.array(hop.final.positions)
    last[hop.mobile] += np.array(shift) @ np.array(hop.final.cell)
    initial = rebuilt(hop.initial, first, order)
    final = rebuilt(hop.final, last, order)
    assert barrier_of(initial, final, order.index(hop.mobile)) == pytest.approx(barrier, abs=1e-3)


def test_rotations_of_a_hop_keep_what_surrounds_it():
    """A vacancy hop along [110] of an fcc lattice has D2h: eight operations, as matrices."""
    crystal = AtomicStructure.from_ase(bulk("Al", "fcc", a=3.995, cubic=True))
    hop = vacancy_hops(crystal, "Al", max_distance_a=3.0, min_supercell_a=7.5)[0]
    first, last = np.array(hop.initial.positions), np.array(hop.final.positions)
    atoms = hop.initial.to_ase()
    turned = hop_rotations(atoms, first, last, hop.mobile)
    assert len({tuple(np.round(r, 6).ravel() + 0.0) for r in turned}) == 8
    step = last[hop.mobile] - first[hop.mobile]
    rest = np.delete(np.arange(len(atoms)), hop.mobile)
    line = find_mic(step, atoms.cell)[0]
    middle = first[hop.mobile] + 0.5 * line
    away = find_mic(first[rest] - middle, atoms.cell)[0]
    near = away[np.linalg.norm(away, axis=1) < 3.9]
    for rotation in turned:
        kept, turned_round = rotation @ line - line, rotation @ line + line
        assert min(np.linalg.norm(kept), np.linalg.norm(turned_round)) < 1e-6
        distance = np.linalg.norm((near @ rotation.T)[:, None] - near[None], axis=2)
        assert distance.min(axis=1).max() < 1e-6


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 1, 0)])
def test_an_equivalent_hop_has_the_same_barrier(vacancy, axis):
    hop, barrier = vacancy
    turn = np.eye(3) - 2 * np.outer(axis, axis) / np.dot(axis, axis)
    moved = {}
    for name in ("initial", "final"):
        one = getattr(hop, name)
        cell = np.array(one.cell) @ turn.T
        moved[name] = rebuilt(one, np.array(one.positions) @ turn.T).model_copy(
            update={"cell": tuple(map(tuple, cell.tolist()))}
        )
    assert barrier_of(moved["initial"], moved["final"], hop.mobile) == pytest.approx(
        barrier, abs=1e-3
    )


def test_a_search_that_ends_early_is_no_result_but_has_its_best_profile(vacancy):
    hop, _ = vacancy
    found = find_saddle(
        surface_of(hop.initial),
        hop.initial,
        hop.final,
        hop.mobile,
        symmetric=True,
        fmax=0.001,
        max_calls=5,
    )
    assert not found.converged
    assert not found.verified
    assert found.force_calls == 5
    assert found.images
    assert len(found.images) == len(found.energies_ev)
    assert "not converged in 5 force calls" in found.warnings


# -- a band ---------------------------------------------------------------------------------------
def test_a_band_finds_the_same_saddle_where_the_direct_way_is_not_taken(hop_on_copper, monkeypatch):
    from mgscreen.calculations.saddle import _Search

    first, last, held, exact = hop_on_copper
    initial, final = AtomicStructure.from_ase(first), AtomicStructure.from_ase(last)
    accept = _Search.accept

    def blind(self, *args, **kwargs):
        if "depth" in kwargs:  # the band's own
            accept(self, *args, **kwargs)
        else:  # a way that is given up leaves what it found
            self.result.intermediate = (self.first.reshape(-1, 3), 0.0)

    monkeypatch.setattr(_Search, "accept", blind)
    found = find_saddle(
        surface_of(initial), initial, final, len(first) - 1, symmetric=False, fixed=held
    )
    assert found.method == "ci-neb"
    assert found.verified
    assert found.barrier_forward_ev == pytest.approx(exact, abs=0.01)
    assert found.calls["band"] > 0
    assert found.intermediate is None
