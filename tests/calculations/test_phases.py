"""Phases with real potentials, beside the Materials Project and tabulated free energies."""

import json

import pytest

from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.electronic_solid import crystal_electronic
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.phases import phase_stability
from mgscreen.core.errors import InputError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.flows.stability import element_molecule
from mgscreen.structures.crystals import cell_policy, load_crystal
from mgscreen.structures.entries import load_entries

# formation energy (eV/atom) and oxidation limit (V vs Mg, from tabulated free energies)
PUBLISHED = {"MgO": (-3.07, 2.95), "MgF2": (-3.85, 5.55), "MgCl2": (-2.25, 3.07)}
GASES = {"MgO": "O", "MgF2": "F", "MgCl2": "Cl"}


@pytest.fixture(scope="module", params=["mlip:chgnet", "mlip:7net-0"])
def level(request):
    return Level.parse(request.param, {"fmax": 0.02})


@pytest.fixture(scope="module")
def solids(level, tmp_path_factory):
    with use_runtime(Runtime(scratch=tmp_path_factory.mktemp("scratch"))):
        found = {}
        for name in ("Mg", *PUBLISHED):
            crystal = load_crystal(name, primitive=True)
            found[name] = relax_crystal(crystal, level, cell_policy(crystal, level))
        for name, element in GASES.items():
            found[f"gas {name}"] = gas_energy(element_molecule(element), level)
        yield found


@pytest.mark.parametrize("name", PUBLISHED)
def test_formation_energies_and_limits(solids, name):
    found = phase_stability(solids[name], [solids["Mg"]], [solids[f"gas {name}"]])
    energy, limit = PUBLISHED[name]
    assert found.state == "completed", found.reason
    assert found.formation_energy_ev == pytest.approx(energy, abs=0.1)
    assert found.oxidation_limit_v == pytest.approx(limit, abs=0.25)
    assert found.stable_at_metal
    assert found.metal_reaction_ev == 0
    # the correction is what separates it from plain PBE
    assert found.formation_energy_pbe_ev > found.formation_energy_ev + 0.2
    rows = {row.property: row for row in found.properties()}
    assert rows["reduction_limit"].value == 0
    assert "upper bound: against" in rows["oxidation_limit"].reference


def test_levels_are_not_mixed_and_failures_are_named(solids, level):
    other = "mlip:7net-0" if level.method == "chgnet" else "mlip:chgnet"
    stranger = solids["Mg"].model_copy(update={"level": other})
    gas = solids["gas MgO"]
    mixed = phase_stability(solids["MgO"], [stranger], [gas], names=["Mg", "O2"])
    assert mixed.state == "failed"
    assert "cannot be subtracted" in mixed.reason
    alone = phase_stability(solids["MgO"], [None], [gas], names=["Mg", "O2"])
    assert alone.state == "failed"
    assert alone.reason == "there is no energy of the element Mg"
    fewer = phase_stability(solids["MgO"], [solids["Mg"], None], [gas], names=["Mg", "MgO2", "O2"])
    assert fewer.state == "completed"
    assert fewer.missing == ["MgO2"]


def test_a_users_entry_takes_part(solids, tmp_path):
    """A fictitious peroxide far below the hull turns MgO into its product."""
    per_cell = 2 * solids["gas MgO"].energy_ev + 2 * solids["Mg"].energy_per_atom_ev - 40.0
    entry = {
        "@module": "os",
        "@class": "system",
        "composition": {"Mg": 2.0, "O": 4.0},
        "energy": per_cell + 1.0,
        "correction": -1.0,
        "entry_id": "mine-1",
    }
    path = tmp_path / "entries.json"
    path.write_text(json.dumps([entry]))
    entries = load_entries(path)
    assert entries[0]["energy_ev"] == pytest.approx(per_cell)
    found = phase_stability(solids["MgO"], [solids["Mg"]], [solids["gas MgO"]], entries=entries)
    assert found.decay == pytest.approx({"Mg": 1 / 4, "MgO2": 3 / 4})


def test_reactions_with_what_the_electrolyte_leaves(solids):
    """MgF2 lies below MgCl2: a chloride does not harm it, and fluorine turns the chloride."""
    others = [solids["Mg"], solids["MgF2"]]
    gases = [solids["gas MgCl2"], solids["gas MgF2"]]
    found = phase_stability(solids["MgCl2"], others, gases, products=["MgF2", "F2", "Xe"])
    inert, fluorine, strange = found.product_reactions
    assert (inert.product, inert.energy_ev, inert.equation) == ("MgF2", 0.0, "")
    assert fluorine.energy_ev < -0.3
    assert "MgF2" in fluorine.equation
    assert strange.energy_ev is None
    assert "Xe" in strange.reason
    rows = [r for r in found.properties() if r.property == "reaction_with_product"]
    assert [r.reference.split(":")[0] for r in rows] == ["MgF2", "F2", "Xe"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "composition and energy"),
        ('[{"composition": {"Mg": 1}, "energy": "x"}]', "not a computed entry"),
        ('[{"composition": "Mg((", "energy": 1.0}]', "not a computed entry"),
        ('[{"composition": {"Mg": 1}, "energy": NaN}]', "finite energy"),
        ("{", "not valid JSON"),
    ],
)
def test_bad_entries_get_one_sentence(tmp_path, text, words):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        load_entries(path)
    with pytest.raises(InputError, match="no such file or folder"):
        load_entries(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"no vasprun\.xml"):
        load_entries(tmp_path)


def test_gap_of_an_insulator_and_a_metal(solids, level):
    """A coarse mesh: MgO has the PBE gap of about 4.5 eV, magnesium none."""
    quick = Level.parse("gpaw:pbe", {"kpts": [4, 4, 4]})
    oxide = crystal_electronic(solids["MgO"], quick)
    assert oxide.state == "completed", oxide.reason
    assert oxide.gap_ev == pytest.approx(4.45, abs=0.4)
    assert oxide.metallic is False
    assert oxide.geometry_level == str(level)
    metal = crystal_electronic(solids["Mg"], quick)
    assert metal.metallic is True
