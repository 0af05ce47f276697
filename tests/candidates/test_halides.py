"""Which molecules are halides RX, and what is left of them without X."""

import pytest

from mgscreen.candidates.halides import read_halide
from mgscreen.candidates.library import load_library
from mgscreen.candidates.model import ChemistryError


@pytest.mark.parametrize(
    ("text", "name", "carbanion", "halogen", "group"),
    [
        ("PRBR", "PRBR", "[CH2-]CC", "Br", "C3H7"),
        ("CI", "CI", "[CH3-]", "I", "CH3"),
        ("ClC", "CCl", "[CH3-]", "Cl", "CH3"),
        ("Brc1ccccc1", "Brc1ccccc1", "[c-]1ccccc1", "Br", "C6H5"),
    ],
)
def test_halide(text, name, carbanion, halogen, group):
    found = read_halide(text, load_library())
    assert (found.name, found.carbanion, found.halogen, found.group) == (
        name,
        carbanion,
        halogen,
        group,
    )


def test_isomers_keep_different_names():
    one, other = read_halide("CC(C)Br", {}), read_halide("CCCBr", {})
    assert one.group == other.group == "C3H7"
    assert one.name.startswith("CCCBr-")
    assert other.name == "CCCBr"


@pytest.mark.parametrize("text", ["CC", "CF", "ClCCCl", "[Cl-]", "ClBr", "C[Si](C)(C)Cl", "[Br]"])
def test_what_is_no_halide_is_refused(text):
    with pytest.raises(ChemistryError):
        read_halide(text, {})


def test_a_broken_smiles_is_refused():
    with pytest.raises(ChemistryError, match="no valid SMILES"):
        read_halide("C(", {})
