"""Geometries: relaxed, told apart, ranked, and failed where they do not converge."""

import numpy as np
import pytest

from mgscreen.calculations.geometry import GeometryDocument, optimise, species_geometry
from mgscreen.core.species import Component, Species
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level

DME = Component(name="DME", smiles="COCCOC", charge=0, role="solvent")
MG = Component(name="Mg", smiles="[Mg+2]", charge=2, role="metal")
FORMATE = Component(name="HCOO", smiles="[O-]C=O", charge=-1, role="anion")


def species(label, form, *components, candidate="X"):
    charge = sum(c.charge * c.count for c in components)
    return Species(
        candidate=candidate, form=form, label=label, components=components, charge=charge
    )


def distance(structure, i, j):
    p = np.array(structure.positions)
    return float(np.linalg.norm(p[i] - p[j]))


def test_optimised_water_has_the_known_shape(water, gfn2):
    stretched = water.with_positions(np.array(water.positions) * 1.1)
    document = optimise(stretched, gfn2)
    assert document.state == "completed"
    assert document.converged == {"geometry": True, "intact": True}
    # measured: 0.958 A
    assert distance(document.structure, 0, 1) == pytest.approx(0.958, abs=0.015)
    assert document.energy_ev is not None
    assert document.properties() == []


def test_gaussian_compatible_water_energy(water):
    """Gaussian's optimised B3LYP/6-31G(d) energy of water is -76.4089533 Ha."""
    from mgscreen.calculations.orbitals import frontier_orbitals

    level = Level.parse("pyscf:b3lyp/6-31g(d)", {"density_fit": False})
    structure = optimise(water, level).structure
    energy = frontier_orbitals(structure, level).total_energy_ev / 27.211386245988
    assert energy == pytest.approx(-76.4089533, abs=2e-5)


def test_conformers_of_dme_are_distinct_and_ranked(gfn2):
    document = species_geometry(species("DME", "molecule", DME), gfn2, 4)
    assert document.state == "completed"
    assert document.n_guesses >= 2
    energies = [c.relative_energy_ev for c in document.conformers]
    assert energies[0] == 0
    assert energies == sorted(energies)
    assert document.structure == document.conformers[0].structure
    # distinct: no two agree in energy and shape
    assert len(document.conformers) == len({round(e, 6) for e in energies})
    assert all(c.intact and c.converged for c in document.conformers)
    found = {row.property: row.value for row in document.properties()}
    assert found == {"n_conformers": len(document.conformers)}


def test_a_contact_pair_has_a_coordination_number(gfn2):
    document = species_geometry(species("[MgHCOO]+", "contact-ion-pair", MG, FORMATE), gfn2, 4)
    assert document.state == "completed"
    metal = document.structure.atoms_of("metal")[0]
    shell = document.metal_distances_a[metal]
    found = {row.property: row.value for row in document.properties()}
    assert found["coordination_number"] == len(shell) == 2
    assert all(document.structure.symbols[i] == "O" for i in shell)
    for i, length in shell.items():
        assert length == pytest.approx(distance(document.structure, metal, i))
        assert 1.8 < length < 2.2
    assert document.structure.charge == 1


def test_a_single_ion_needs_no_optimisation(magnesium, gfn2):
    document = optimise(magnesium, gfn2)
    assert document.state == "completed"
    assert document.steps == 0
    assert document.structure == magnesium
    assert document.coordination_number is None


def test_an_optimisation_without_enough_steps_is_failed(water):
    level = Level.parse("xtb:gfn2", {"max_steps": 1})
    far = water.with_positions(np.array(water.positions) * 1.4)
    document = optimise(far, level)
    assert document.state == "failed"
    assert "did not converge" in document.reason
    assert document.energy_ev is None
    assert document.level == "xtb:gfn2"
    assert [row.state for row in document.properties()] == ["failed"]


def test_a_species_that_falls_apart_says_so(gfn2):
    """A second electron on bromomethane's carbon-bromine bond leaves no bond."""
    anion = AtomicStructure(
        symbols=("C", "Br", "H", "H", "H"),
        positions=((0, 0, 0), (0, 0, 2.1), (1.03, 0, -0.3), (-0.5, 0.9, -0.3), (-0.5, -0.9, -0.3)),
        charge=-1,
        multiplicity=2,
    )
    document = optimise(anion, gfn2)
    assert document.state == "completed"
    assert document.converged["intact"] is False
    assert document.conformers[0].changes == "broke C-Br"
    assert any("C-Br" in text for text in document.warnings)


def test_relaxed_guesses_are_not_relaxed_again(gfn2, monkeypatch):
    from mgscreen.engines.xtb import XtbEngine

    dme = species("DME", "molecule", DME)
    first = species_geometry(dme, gfn2, 3)

    def refuse(*_args, **_kwargs):
        raise AssertionError("a guess was relaxed again")

    monkeypatch.setattr(XtbEngine, "relax", refuse)
    again = species_geometry(dme, gfn2, 3)
    assert again.conformers == first.conformers


def test_a_document_survives_json(gfn2, formate_pair):
    document = optimise(formate_pair, gfn2)
    assert GeometryDocument.model_validate_json(document.model_dump_json()) == document
