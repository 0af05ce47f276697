"""Agreement with independently computed potentials: minutes of DFT (make test-physics).

Reference: vertical potentials at B3LYP/6-31+G(d) (Cartesian d), C-PCM with a dielectric constant of
7.2, at the GFN2-xTB geometries in ``geometries/``, V vs Mg2+/Mg with an absolute SHE potential of
4.44 V. They were computed with PySCF by a script that shares no code with this package.
"""

from pathlib import Path

import pytest
from ase.io import read

from mgscreen.calculations.redox import vertical_potentials
from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.engines.level import Level

pytestmark = pytest.mark.physics
LEVEL = Level.parse("pyscf:b3lyp/6-31+g(d)/cpcm(7.2)", {"grid": 2})
GEOMETRIES = Path(__file__).parent / "geometries"


def species(name, charge, role):
    atoms = read(GEOMETRIES / f"{name}.gfn2.xyz")
    metal = tuple(i for i, atom in enumerate(atoms) if atom.symbol == "Mg")
    rest = tuple(i for i in range(len(atoms)) if i not in metal)
    fragments = [Fragment(name=name, role=role, atoms=rest, charge=charge - 2 * len(metal))]
    if metal:
        fragments.append(Fragment(name="Mg", role="metal", atoms=metal, charge=2))
    return AtomicStructure.from_ase(atoms, charge=charge, fragments=tuple(fragments), label=name)


@pytest.mark.parametrize(
    ("name", "charge", "role", "reported"),
    [("DME", 0, "solvent", 5.19), ("PFTB-", -1, "anion", 4.41), ("TFSI-", -1, "anion", 5.73)],
)
def test_vertical_oxidation(name, charge, role, reported):
    document = vertical_potentials(species(name, charge, role), LEVEL)
    assert document.oxidation_potential_v == pytest.approx(reported, abs=0.02)
    assert document.oxidation.located_on[role] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "reported", "role", "fraction"),
    [("MgPFTB+", 1.65, "metal", 0.76), ("MgTFSI+", 1.11, "anion", 0.82)],
)
def test_who_takes_the_electron_of_a_contact_pair(name, reported, role, fraction):
    step = vertical_potentials(species(name, 1, "anion"), LEVEL).reduction
    assert step.vs_metal_v["SHE 4.44 V"] == pytest.approx(reported, abs=0.02)
    assert step.located_on[role] == pytest.approx(fraction, abs=0.03)
