"""Bands of insulators against vacuum and the anode metal."""

import pytest

from mgscreen.calculations.band_edges import (
    BandEdgesDocument,
    _middle,
    _repeat,
    band_edges,
    cleavage_plane,
)
from mgscreen.calculations.crystal import CrystalDocument, relax_crystal
from mgscreen.core.errors import InputError
from mgscreen.core.properties import PROPERTIES
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.slabs import build_slab

GPAW = Level.parse("gpaw:pbe", settings={"kpt_density_a": 3.0})


def document(**more):
    values = {"phase": "MgO", "valence_ev": -6.0, "conduction_ev": -1.5, "gap_ev": 4.5}
    return BandEdgesDocument(**{**values, "work_function_ev": 3.66, **more})


def test_edges_are_against_the_fermi_level_of_the_anode():
    rows = {row.property: row for row in document().properties()}
    assert rows["vbm_vs_anode_fermi"].value == pytest.approx(-2.34)
    assert rows["cbm_vs_anode_fermi"].value == pytest.approx(2.16)
    assert rows["cbm_vs_vacuum"].value == -1.5
    assert "3.66" in rows["cbm_vs_anode_fermi"].reference
    assert all(row.unit == PROPERTIES[name].unit for name, row in rows.items())


def test_a_metal_of_no_known_work_function_has_edges_against_vacuum_alone():
    rows = {r.property: r for r in document(metal="Zn", work_function_ev=None).properties()}
    assert rows["cbm_vs_anode_fermi"].value is None
    assert "no single value" in rows["cbm_vs_anode_fermi"].reason
    assert rows["cbm_vs_vacuum"].value == -1.5


@pytest.mark.parametrize(
    ("name", "plane"), [("MgO", (0, 0, 1)), ("MgF2", (1, 1, 0)), ("MgBr2", (0, 0, 1))]
)
def test_types_that_are_known_cleave_by_their_plane(name, plane):
    crystal = load_crystal(name, primitive=True)
    assert cleavage_plane(crystal) == plane
    slab = build_slab(crystal, plane, layers=5, fixed_layers=0, supercell=(1, 1))
    assert slab.symmetric


def test_other_types_need_a_plane():
    with pytest.raises(InputError, match="Mg3N2 cleaves: give one"):
        cleavage_plane(load_crystal("Mg3N2", primitive=True))


@pytest.mark.parametrize(
    ("name", "plane", "repeat"),
    [("MgO", (0, 0, 1), 4.212 / 2), ("MgF2", (1, 1, 0), 3.2677), ("MgBr2", (0, 0, 1), 6.26)],
)
def test_a_repeat_is_the_distance_of_equal_layers(name, plane, repeat):
    crystal = load_crystal(name, primitive=True)
    slab = build_slab(crystal, plane, layers=5, fixed_layers=0, supercell=(1, 1))
    assert _repeat(crystal, slab) == pytest.approx(repeat, abs=1e-3)


def test_the_average_of_the_middle_forgets_the_ripple_of_the_layers():
    import numpy as np

    crystal = load_crystal("MgO", primitive=True)
    slab = build_slab(crystal, (0, 0, 1), layers=5, fixed_layers=0, supercell=(1, 1))
    height = np.asarray(slab.structure.cell)[2, 2]
    z = np.linspace(0.0, height, 600)
    ripple = 3.0 * np.cos(2 * np.pi * z / 2.106)
    inside, flatness = _middle(slab, z, -7.0 + ripple, 2.106)
    assert inside == pytest.approx(-7.0, abs=0.01)
    assert flatness < 0.01


@pytest.mark.parametrize(
    ("name", "level", "miller", "reason"),
    [
        ("MgO", Level.parse("mlip:chgnet"), None, "has no electrons"),
        ("MgO", GPAW, (1, 1, 1), "two sides"),
        ("Mg3N2", GPAW, None, "give one"),
    ],
)
def test_what_cannot_be_aligned_says_why(name, level, miller, reason):
    crystal = CrystalDocument(structure=load_crystal(name, primitive=True), energy_ev=0.0)
    found = band_edges(crystal, level, miller)
    assert found.state == "failed"
    assert reason in found.reason


def test_a_crystal_that_failed_has_none():
    failed = CrystalDocument(state="failed", reason="it did not relax")
    assert "it did not relax" in band_edges(failed, GPAW).reason


@pytest.mark.physics
def test_magnesium_oxide_insulates_magnesium(tmp_path):
    level = Level.parse("mlip:chgnet")
    with use_runtime(Runtime(scratch=tmp_path)):
        crystal = relax_crystal(load_crystal("MgO", primitive=True), level)
        found = band_edges(crystal, GPAW)
    assert found.state == "completed", found.reason
    # Materials Project (PBE): 4.45 eV
    assert found.gap_ev == pytest.approx(4.45, abs=0.25)
    rows = {row.property: row.value for row in found.properties()}
    # electrons of Mg can neither leave into the oxide nor be taken from it
    assert rows["cbm_vs_anode_fermi"] > 1.0
    assert rows["vbm_vs_anode_fermi"] < 0
    # the conduction band of MgO ends near vacuum
    assert rows["cbm_vs_vacuum"] == pytest.approx(0.0, abs=1.5)
    assert rows["cbm_vs_vacuum"] - rows["vbm_vs_vacuum"] == pytest.approx(found.gap_ev)
    assert found.flatness_ev < 0.1
