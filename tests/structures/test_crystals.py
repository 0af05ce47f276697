import pytest

from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level
from mgscreen.structures.crystals import (
    cell_policy,
    check_crystal,
    crystal_library,
    load_crystal,
)

# Molar masses and volumes are independent of the files: densities from handbooks, g/cm3.
DENSITIES = {
    "Mg": 1.738, "Zn": 7.14, "Li": 0.534, "Na": 0.968, "Al": 2.70, "MgO": 3.58, "MgS": 2.68,
    "MgF2": 3.15, "MgCl2": 2.32, "MgI2": 4.43, "Mg(OH)2": 2.34, "MgCO3": 2.96, "MgH2": 1.45,
    "Mg3N2": 2.71,
    "Ga": 5.91, "C": 2.26, "Bi": 9.79, "Sb": 6.70, "Sn": 7.29, "In": 7.31, "Mo": 10.2,
    "S": 2.07, "MoS2": 5.06, "AlCl3": 2.48, "Hg": 14.2, "LiAl": 1.76,
    "ZnCl2": 2.98, "Mg2Zn11": 6.12,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(crystal_library()))
def test_space_group_of_file_is_the_tabulated_one(name):
    check = check_crystal(load_crystal(name))
    assert check.space_group == crystal_library()[name].space_group


@pytest.mark.parametrize(("name", "density"), sorted(DENSITIES.items()))
def test_density_agrees_with_handbooks(name, density):
    assert check_crystal(load_crystal(name)).density_g_cm3 == pytest.approx(density, rel=0.03)


def test_primitive_cell_has_the_same_density():
    whole, primitive = load_crystal("MgO"), load_crystal("MgO", primitive=True)
    assert (len(whole.symbols), len(primitive.symbols)) == (8, 2)
    assert check_crystal(whole).density_g_cm3 == pytest.approx(
        check_crystal(primitive).density_g_cm3
    )


def test_user_poscar(tmp_path):
    path = tmp_path / "POSCAR"
    path.write_text(
        "rock salt\n4.2\n0 .5 .5\n.5 0 .5\n.5 .5 0\nMg O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
    )
    check = check_crystal(load_crystal(path))
    assert (check.formula, check.space_group) == ("MgO", "Fm-3m")
    assert check.shortest_a == pytest.approx(2.1)


def test_unknown_name_gives_the_nearest():
    with pytest.raises(InputError, match="did you mean 'MgBr2'"):
        load_crystal("MgBr_2")


def test_unreadable_file(tmp_path):
    path = tmp_path / "x.cif"
    path.write_text("nothing")
    with pytest.raises(InputError, match="can be read"):
        load_crystal(path)


def test_atoms_in_each_other(tmp_path):
    path = tmp_path / "POSCAR"
    path.write_text("x\n4.2\n1 0 0\n0 1 0\n0 0 1\nMg O\n1 1\nDirect\n0 0 0\n.1 0 0\n")
    with pytest.raises(InputError, match=r"are 0\.42 angstrom apart"):
        load_crystal(path)


# Distances that are known apart from the cells: bond lengths of the molecule or the layer, angstrom
@pytest.mark.parametrize(
    ("name", "bond"),
    [("C", 1.42), ("S", 2.04), ("I2", 2.715), ("MoS2", 2.41), ("Ga", 2.48), ("AlCl3", 2.3)],
)
def test_bond_lengths(name, bond):
    assert check_crystal(load_crystal(name)).shortest_a == pytest.approx(bond, rel=0.02)


def test_elements_that_alloys_need_are_there():
    library = crystal_library()
    for name in library:
        elements = set(load_crystal(name).symbols) - {"O", "F", "H", "N", "Cl", "Br"}
        assert all(any(set(load_crystal(n).symbols) == {e} for n in library) for e in elements), (
            name
        )


def test_what_dispersion_alone_holds_keeps_its_cell_without_it():
    """Molecules as well as layers: CHGNet swells Br2 by 17 %, out of its space group."""
    held = {"MgCl2", "MgBr2", "Mg(OH)2", "C", "MoS2", "Br2", "I2", "S"}
    bonded = {"Mg", "MgO", "Li", "Al", "In", "Ga", "MgHg", "Mo6S8"}
    for name in held | bonded:
        crystal = load_crystal(name, primitive=True)
        expected = "fixed" if name in held else "full"
        assert cell_policy(crystal, Level.parse("mlip:chgnet")) == expected, name
        assert cell_policy(crystal, Level.parse("mlip:chgnet-d3bj")) == "full", name
