"""Fragments on real slabs, relaxed by real potentials and by GPAW."""

import itertools

import numpy as np
import pytest

from mgscreen.calculations.adsorption import adsorb
from mgscreen.calculations.adsorption_dft import adsorb_dft
from mgscreen.calculations.adsorption_search import Search
from mgscreen.calculations.convergence import converge
from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.gas import boxed, gas_energy
from mgscreen.calculations.slab import (
    SlabDocument,
    clean_slab,
    slab_level,
    slab_single_point,
    with_force,
)
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.fragments import fragment, molecule_x2

CHGNET, SEVENN = Level.parse("mlip:chgnet"), Level.parse("mlip:7net-0")
SURFACE = ("top", "bridge", "hcp", "fcc")


@pytest.fixture(scope="module")
def slabs(tmp_path_factory):
    """Relaxed Mg(0001) p(2x2), four layers, and Mg, by potential."""
    found = {}
    with use_runtime(Runtime(scratch=tmp_path_factory.mktemp("slabs"))):
        for level in (CHGNET, SEVENN):
            bulk = relax_crystal(load_crystal("Mg", primitive=True), level)
            slab = clean_slab(bulk.structure, with_force(level, 0.02), supercell=(2, 2), label="s")
            found[str(level)] = slab, bulk
    return found


def test_half_of_x2_and_the_radical_differ_by_the_bond_of_x2(slabs):
    slab, _ = slabs["mlip:chgnet"]
    gas, x2 = gas_energy(fragment("F"), CHGNET), gas_energy(molecule_x2("F"), CHGNET)
    done = adsorb(
        fragment("F"), slab, CHGNET, gas=gas, x2=x2, sites=("fcc",), fmax=0.05, dispersion=False
    )
    energies = done.energies
    assert energies.half_x2.value_ev - energies.radical.value_ev == pytest.approx(
        gas.energy_ev - x2.energy_ev / 2
    )
    # F-(aq) at 0 V vs Mg: 2.866 - (-2.372) V above half of F2
    assert energies.ion.value_ev - energies.half_x2.value_ev == pytest.approx(2.866 + 2.372)
    assert "F- in water" in energies.ion.reference
    assert "0 V vs Mg2+/Mg" in energies.ion.reference
    assert energies.bulk.value_ev is None
    assert energies.bulk.reason == "F is no metal"


@pytest.mark.parametrize("level", [CHGNET, SEVENN], ids=str)
def test_fluorine_sits_in_a_hollow_and_the_energy_is_that_of_relaxed_parts(slabs, level):
    slab, _ = slabs[str(level)]
    x2 = gas_energy(molecule_x2("F"), level)
    done = adsorb(fragment("F"), slab, level, x2=x2, sites=SURFACE, dispersion=False)
    assert done.state == "completed"
    best = done.ends[done.best]
    assert best.site in {"fcc", "hcp"}
    assert best.stage == "relaxed"
    assert best.events == ("intact",)
    # PBE 1/9 ML: -4.7 eV; the potentials at 1/4 ML stay near it
    assert -5.2 < done.energies.half_x2.value_ev < -4.3
    # against the relaxed clean slab, not the one that was cut
    from mgscreen.engines.periodic import get_periodic_engine

    whole = get_periodic_engine(level).single_point(done.structure, done_folder(done)).energy_ev
    assert best.difference_ev == pytest.approx(whole - slab.energy_ev, abs=1e-4)
    assert done.energies.radical.value_ev is None
    assert "was not computed" in done.energies.radical.reason
    rows = {r.property: r for r in done.properties()}
    assert rows["adsorption_energy_radical"].state == "failed"
    assert rows["adsorption_energy_half_x2"].reference == "half of F2"
    assert rows["adsorption_site"].text == best.site
    assert ("adsorption_correction" in rows) == (level is CHGNET)


def done_folder(document):
    from mgscreen.core.runtime import runtime

    return runtime().workdir(document.input_hash + "0")


def test_dispersion_is_added_on_the_relaxed_geometry(slabs):
    slab, _ = slabs["mlip:chgnet"]
    x2 = gas_energy(molecule_x2("Cl"), CHGNET)
    given = {"x2": x2, "sites": ("fcc",), "fmax": 0.05}
    bare = adsorb(fragment("Cl"), slab, CHGNET, dispersion=False, **given)
    full = adsorb(fragment("Cl"), slab, CHGNET, dispersion=True, **given)
    assert full.level == "mlip:chgnet-d3bj"
    assert full.geometry_level == "mlip:chgnet"
    end = full.ends[0]
    assert -0.5 < end.dispersion_ev < -0.05
    assert end.difference_ev - bare.ends[0].difference_ev == pytest.approx(end.dispersion_ev)


@pytest.mark.slow
def test_staged_search_finds_the_end_of_the_thorough_one_with_half_the_calls(slabs, tmp_path):
    slab, _ = slabs["mlip:chgnet"]

    def search(name, clean):
        return Search(slab.as_slab(), clean, CHGNET, tmp_path / name, fmax=0.03)

    quick, thorough = search("quick", slab.structure), search("thorough", slab.cut)
    starts = quick.starts(fragment("OH"), SURFACE, 2)
    assert len(starts) == 8
    first = quick.quick(starts)
    second = thorough.thorough(thorough.starts(fragment("OH"), SURFACE, 2))
    best, truth = first.ends[0], second.ends[0]
    assert best.energy_ev == pytest.approx(truth.energy_ev, abs=0.005)
    assert quick.place(best).name == thorough.place(truth).name
    assert first.force_calls <= 0.5 * second.force_calls
    # every start is accounted for
    assert sorted(s for e in first.ends for s in e.starts) == sorted(s.name for s in starts)


def test_cf3_falls_apart_on_magnesium(tmp_path):
    """The real relaxation of CF3 with its carbon down, at a hollow of the preset slab."""
    bulk = relax_crystal(load_crystal("Mg", primitive=True), CHGNET)
    slab = clean_slab(bulk.structure, with_force(CHGNET, 0.02), label="Mg(001)")
    gas = gas_energy(fragment("CF3"), CHGNET)
    done = adsorb(fragment("CF3"), slab, CHGNET, gas=gas, sites=("hcp",), orientations=1)
    lowest = done.ends[done.lowest]
    assert "dissociated" in lowest.events
    assert "C-F" in lowest.broken_bonds
    assert "F" in lowest.products
    assert done.dissociated_ev < -2.0
    rows = {r.property: r for r in done.properties()}
    assert "dissociated" in rows["adsorption_event"].text
    assert rows["dissociation_energy"].value == pytest.approx(done.dissociated_ev)
    # no number of pieces is given as the adsorption energy of CF3
    assert rows["adsorption_energy_radical"].state == "failed"
    assert "does not stay whole" in rows["adsorption_energy_radical"].reason
    text = (tmp_path / "files" / done.files["best"]).read_text()
    assert text.splitlines()[0] == "40"
    assert "fragment=CF3" in text


def test_what_has_no_slab_or_no_gas_says_so(slabs):
    slab, _ = slabs["mlip:chgnet"]
    none = adsorb(fragment("F"), None, CHGNET)
    assert none.state == "failed"
    assert "no clean slab" in none.reason
    broken = SlabDocument(state="failed", reason="it did not relax")
    assert "it did not relax" in adsorb(fragment("F"), broken, CHGNET).reason
    assert adsorb_dft(None, slab, slab, fragment("F"), CHGNET).state == "failed"


def test_metal_adatom_has_the_bulk_as_reference(slabs):
    slab, bulk = slabs["mlip:7net-0"]
    done = adsorb(
        fragment("Mg"), slab, SEVENN, bulk=bulk, sites=("hcp", "fcc"), dispersion=False,
        potential_v=-0.1,
    )  # fmt: skip
    energies = done.energies
    # a kink holds an atom as the bulk does; on a terrace it lies above the bulk
    assert 0.0 < energies.bulk.value_ev < 1.5
    assert energies.ion.value_ev == pytest.approx(energies.bulk.value_ev - 0.2)
    assert energies.half_x2.value_ev is None


def test_gas_refuses_what_is_not_defined():
    ion = fragment("F").with_state(-1, 1)
    assert "not defined" in gas_energy(ion, CHGNET).reason
    apart = AtomicStructure(symbols=("O", "O"), positions=((0, 0, 0), (0, 0, 1.25)), multiplicity=3)
    done = gas_energy(apart, CHGNET)
    assert done.state == "completed"
    assert any("knows no spin" in w for w in done.warnings)
    edges = np.diag(np.array(done.structure.cell))
    assert len(set(edges.round(3))) == 3


def test_box_grows_with_the_molecule():
    long = AtomicStructure(symbols=("C", "C"), positions=((0, 0, 0), (9, 0, 0)))
    box = boxed(long, 12.0, periodic=False)
    assert box.cell[0][0] == pytest.approx(17.0)
    assert box.pbc == (False, False, False)


@pytest.mark.physics
def test_fluorine_atom_of_gpaw_has_its_aspherical_ground_state():
    """Fractional occupation of the p shell leaves it 0.17 eV (0.1 eV smearing) higher."""
    level = Level.parse("gpaw:pbe")
    atom = gas_energy(fragment("F"), level, box_a=9.0)
    assert atom.magnetic_moment == pytest.approx(1.0, abs=1e-3)
    molecule = gas_energy(molecule_x2("F"), level, box_a=9.0)
    # PBE: 53 kcal/mol; a spherical atom would give 65
    assert 2 * atom.energy_ev - molecule.energy_ev == pytest.approx(2.30, abs=0.1)


def test_gpaw_takes_a_site_over_on_the_smallest_slab():
    # the cut-off of the preset: at 300 eV the energy of F is several eV off
    level = slab_level(Level.parse("gpaw:pbe", {"density_tolerance": 1e-3}), (3, 3, 1))
    bulk = relax_crystal(load_crystal("Mg", primitive=True), CHGNET)
    clean = clean_slab(
        bulk.structure, with_force(CHGNET, 0.05), layers=2, fixed=1, supercell=(1, 1), vacuum=8.0
    )
    found = adsorb(fragment("F"), clean, CHGNET, sites=("fcc",), fmax=0.05, dispersion=False)
    dft = slab_single_point(clean, level)
    assert dft.level == "gpaw:pbe"
    assert dft.geometry_level == "mlip:chgnet"
    assert 3.0 < dft.work_function_ev < 4.5
    rows = {r.property: r for r in dft.properties()}
    assert rows["fermi_level"].value == pytest.approx(-dft.work_function_ev)
    done = adsorb_dft(found, clean, dft, fragment("F"), level, dispersion=True)
    end = done.ends[done.best]
    assert end.stage == "single point"
    assert end.site == found.ends[found.best].site
    assert (done.level, done.geometry_level) == ("gpaw:pbe-d3bj", "mlip:chgnet")
    assert end.difference_ev - end.dispersion_ev < -4.0


def test_convergence_tells_what_the_default_costs():
    axes = {"layers": [5], "vacuum": [20.0]}
    document = converge(
        load_crystal("Mg", primitive=True), fragment("F"), CHGNET, CHGNET, axes, supercell=1
    )
    assert [(p.axis, p.value) for p in document.points] == [
        ("default", 0.0), ("layers", 5), ("vacuum", 20.0),
    ]  # fmt: skip
    assert document.reference == "half of F2"
    first, layers, _ = document.points
    assert layers.change_ev == pytest.approx(layers.adsorption_ev - first.adsorption_ev)
    # a potential sees nothing beyond its cut-off
    assert abs(document.error_of("vacuum")) < 1e-4
    assert document.error_of("kpts") is None
    wrong = converge(load_crystal("Mg"), fragment("F"), CHGNET, CHGNET, {"spin": [1]})
    assert "no axis spin" in wrong.reason


def test_identity_of_a_search_changes_with_what_changes_it(slabs):
    slab, _ = slabs["mlip:chgnet"]
    cases = [
        {}, {"orientations": 2}, {"sites": ("fcc",)}, {"dispersion": False}, {"potential_v": 0.5}
    ]  # fmt: skip
    names = [adsorb.identity(fragment("F"), slab, CHGNET, **case) for case in cases]
    assert all(a != b for a, b in itertools.combinations(names, 2))
