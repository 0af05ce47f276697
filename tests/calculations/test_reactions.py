"""Energies of interphase reactions, and the reasons where there is none."""

import pytest

from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.displacement import displacement, displacement_reaction
from mgscreen.calculations.orbitals import OrbitalsDocument, frontier_orbitals
from mgscreen.calculations.reactions import solution_reaction
from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure

LEVEL = "pyscf:b3lyp/6-31g(d)/cpcm(7.2)"


def molecule(symbols, energy, level=LEVEL, **more):
    positions = tuple((2.0 * i, 0.0, 0.0) for i in range(len(symbols)))
    return OrbitalsDocument(
        structure=AtomicStructure(symbols=symbols, positions=positions),
        total_energy_ev=energy,
        level=level,
        code="pyscf",
        code_version="2",
        **more,
    )


CH3 = ("C", "H", "H", "H")
GAS = "pyscf:b3lyp/6-31g(d)"


def grignard(parts, names=("CBr", "Mg(s)", "CH3MgBr")):
    return solution_reaction("grignard", parts, [-1.0, -1.0, 1.0], list(names), [])


def test_grignard_takes_the_crystal_for_the_atom():
    found = grignard(
        [
            molecule((*CH3, "Br"), -100.0),
            molecule(("Mg",), -50.0, GAS),
            molecule((*CH3, "Mg", "Br"), -154.0),
        ]
    )
    assert found.state == "completed"
    assert found.energy_ev == pytest.approx(-4.0 + 1.5246, abs=1e-3)
    assert found.equation == "CBr + Mg(s) -> CH3MgBr"
    assert any("147.1 kJ/mol" in text for text in found.caveats)
    assert any("bare molecules" in text for text in found.caveats)
    rows = {row.property: row for row in found.properties()}
    assert rows["grignard_energy"].value == rows["reaction_energy"].value == found.energy_ev
    assert rows["grignard_energy"].reference == found.equation


def test_a_metal_atom_in_the_continuum_is_refused():
    found = grignard(
        [
            molecule((*CH3, "Br"), -100.0),
            molecule(("Mg",), -50.0),
            molecule((*CH3, "Mg", "Br"), -154.0),
        ]
    )
    assert found.state == "failed"
    assert "free atom of Mg(s)" in found.reason


def test_schlenk_names_the_phase_that_it_leaves():
    found = solution_reaction(
        "schlenk",
        [
            molecule((*CH3, "Mg", "Br"), -154.0),
            molecule((*CH3, *CH3, "Mg"), -120.0),
            molecule(("Mg", "Br", "Br"), -187.8),
        ],
        [-2.0, 1.0, 1.0],
        ["CH3MgBr", "(CH3)2Mg", "MgBr2"],
        ["MgBr2"],
    )
    assert found.energy_ev == pytest.approx(0.2)
    rows = {row.property: row for row in found.properties()}
    assert rows["product_phase"].text == "MgBr2"
    assert rows["schlenk_energy"].value == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("product", "reason"),
    [
        (None, "no single point of CH3MgBr"),
        (molecule((*CH3, "Mg", "Cl"), -154.0), "does not balance"),
        (molecule((*CH3, "Mg", "Br"), -154.0, GAS), "cannot be subtracted"),
        (molecule((*CH3, "Mg", "Br"), -154.0, settings={"grid": 3}), "differ in the settings grid"),
        (
            molecule((*CH3, "Mg", "Br"), None, state="failed", reason="the SCF went astray"),
            "the SCF went astray",
        ),
    ],
)
def test_no_number_where_a_part_is_wrong(product, reason):
    parts = [molecule((*CH3, "Br"), -100.0), molecule(("Mg",), -50.0, GAS), product]
    found = grignard(parts)
    assert found.state == "failed"
    assert reason in found.reason
    assert found.energy_ev is None
    rows = found.properties()
    assert [row.property for row in rows] == ["reaction_energy", "grignard_energy"]
    assert all(row.value is None and reason in row.reason for row in rows)
    assert rows[0].reference == "CBr + Mg(s) -> CH3MgBr"


def crystal(symbols, per_atom, level="mlip:7net-0"):
    n = len(symbols)
    return CrystalDocument(
        structure=AtomicStructure(
            symbols=symbols,
            positions=tuple((2.0 * i, 0.0, 0.0) for i in range(n)),
            cell=((2.0 * n, 0.0, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 3.0)),
            pbc=(True, True, True),
        ),
        energy_ev=per_atom * n,
        energy_per_atom_ev=per_atom,
        energy_convention="pbe",
        level=level,
        code="mlip",
        code_version="1",
    )


def test_displacement_is_per_formula_and_per_metal():
    parts = {
        "BiCl3": crystal(("Bi", "Cl", "Cl", "Cl") * 2, -3.0),
        "Mg": crystal(("Mg", "Mg"), -1.5),
        "MgCl2": crystal(("Mg", "Cl", "Cl"), -4.0),
        "Bi": crystal(("Bi", "Bi"), -4.2),
    }
    found = displacement_reaction("BiCl3", parts, [], "mlip:7net-0")
    assert found.energy_ev == pytest.approx(-7.95)
    assert found.energy_per_metal_ev == pytest.approx(-5.3)
    assert found.product_phases == ["MgCl2", "Bi"]
    rows = {row.property: row for row in found.properties()}
    assert rows["displacement_energy"].value == pytest.approx(-5.3)
    assert rows["reaction_energy"].value == pytest.approx(-7.95)
    parts["Bi"] = crystal(("Bi", "Bi"), -4.2, "mlip:chgnet")
    mixed = displacement_reaction("BiCl3", parts, [], "mlip:7net-0")
    assert "different levels" in mixed.reason


def test_displacement_without_a_crystal_is_blank_with_a_reason():
    found = displacement_reaction("SnCl2", {}, ["SnCl2", "Sn"], "mlip:7net-0")
    assert found.state == "failed"
    assert found.equation == "SnCl2 + Mg -> MgCl2 + Sn"
    assert found.reason == "the library has no crystal of SnCl2, Sn"
    assert {row.value for row in found.properties()} == {None}


@pytest.mark.parametrize("formula", ["MgCl2", "NaClBr", "Bi2O3", "Cl2", "LiAlCl4"])
def test_what_magnesium_cannot_displace_is_refused(formula):
    with pytest.raises(InputError):
        displacement(formula)


def energies_of(halide, **more):
    """Grignard and Schlenk energies, eV, of the whole flow at the quick level."""
    from jobflow import run_locally

    from mgscreen.candidates.halides import read_halide
    from mgscreen.engines.presets import preset
    from mgscreen.flows.reactions import ReactionMaker

    levels = preset("quick")
    flow = ReactionMaker(levels=levels, level=levels["redox"], **more).make(
        [read_halide(halide, {})]
    )
    jobs = [job for job in flow.jobs if "->" in job.name]
    outputs = run_locally(flow, log=False, ensure_success=True)
    return [outputs[job.uuid][1].output.energy_ev for job in jobs]


@pytest.mark.slow
@pytest.mark.parametrize("halide", ["CCl", "CBr", "CI"])
def test_bare_methyl_reagents_form_and_exchange_uphill(halide):
    grignard_energy, schlenk_energy = energies_of(halide, conformers=2)
    assert grignard_energy < -0.5
    assert 0 < schlenk_energy < 0.7


@pytest.mark.slow
def test_magnesium_displaces_every_nobler_metal_in_solution():
    """Standard potentials, V (CRC): Sb 0.15, Bi 0.31, Sn -0.14, Ga -0.55, Al -1.66, Mg -2.37."""
    from jobflow import run_locally

    from mgscreen.engines.presets import preset
    from mgscreen.flows.reactions import ReactionMaker

    levels = preset("quick")
    chlorides = ("SbCl3", "BiCl3", "SnCl2", "GaCl3", "ZnCl2", "AlCl3")
    flow = ReactionMaker(levels=levels, level=levels["redox"], conformers=2).make([], chlorides)
    outputs = run_locally(flow, log=False, ensure_success=True)
    found = {
        job.metadata["candidate"]: outputs[job.uuid][1].output
        for job in flow.jobs
        if "->" in job.name
    }
    per_metal = {name: d.energy_per_metal_ev for name, d in found.items()}
    assert all(energy < 0 for energy in per_metal.values()), per_metal
    # the free atom of Bi lacks its spin-orbit coupling, ZnCl2 its lattice: those two stand apart
    assert per_metal["SbCl3"] < per_metal["SnCl2"] < per_metal["GaCl3"] < per_metal["AlCl3"]
    assert found["SbCl3"].product_phases == ["MgCl2", "Sb"]
    assert found["SbCl3"].energy_ev == pytest.approx(1.5 * per_metal["SbCl3"])


@pytest.mark.physics
def test_ether_on_magnesium_brings_both_energies_to_those_in_solution():
    """Grignard formation is exothermic by 2 to 3 eV, the Schlenk exchange nearly thermoneutral."""
    from mgscreen.candidates.model import Candidate

    ether = Candidate(name="C2H6O", smiles="COC")
    grignard_energy, schlenk_energy = energies_of("CBr", solvent=ether, solvent_molecules=2)
    assert -3.0 < grignard_energy < -2.0
    assert abs(schlenk_energy) < 0.3


def test_the_atom_of_magnesium_runs(small):
    atom = AtomicStructure(symbols=("Mg",), positions=((0.0, 0.0, 0.0),), label="Mg")
    assert frontier_orbitals(atom, small).state == "completed"
