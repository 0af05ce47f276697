"""Electrostatic potential on the isodensity surface."""

from pathlib import Path

import numpy as np
import pytest

from mgscreen.calculations.esp import electrostatic_potential
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure


def test_the_extrema_of_water_lie_at_oxygen_and_hydrogen(water, small):
    document = electrostatic_potential(water, small)
    assert document.state == "completed"
    assert document.isovalue == 0.001
    # published for B3LYP and similar: about -1.5 V at the lone pairs, +1.9 V at the hydrogens
    assert -2.1 < document.minimum.potential_v < -1.2
    assert 1.4 < document.maximum.potential_v < 2.3
    assert document.minimum.label == "O0 of H2O"
    assert document.maximum.label in {"H1 of H2O", "H2 of H2O"}
    # the lone pairs lie on the side away from the hydrogens
    assert document.minimum.position[2] > water.positions[0][2]
    found = {row.property: row for row in document.properties()}
    assert found["esp_min"].value == document.minimum.potential_v
    assert found["esp_min"].unit == "V"
    assert found["esp_max_atom"].text == document.maximum.label
    # a van der Waals sphere of 1.7 A has 36 A2
    assert 30 < document.area_a2 < 50


def test_the_surface_file_holds_what_the_document_says(water, small):
    document = electrostatic_potential(water, small)
    named = document.files["esp_surface"]
    assert not Path(named).is_absolute()
    lines = (runtime().files / named).read_text(encoding="utf-8").splitlines()
    end = lines.index("end_header")
    vertices = np.array(
        [[float(x) for x in r.split()] for r in lines[end + 1 :][: document.n_points]]
    )
    assert vertices.shape == (document.n_points, 4)
    assert vertices[:, 3].min() == pytest.approx(document.minimum.potential_v, abs=1e-5)
    assert vertices[vertices[:, 3].argmax(), :3] == pytest.approx(
        document.maximum.position, abs=1e-4
    )
    faces = [[int(i) for i in r.split()] for r in lines[end + 1 + document.n_points :]]
    assert all(f[0] == 3 and max(f[1:]) < document.n_points for f in faces)
    # the mesh is closed: Euler characteristic of a sphere
    edges = {tuple(sorted((f[i], f[i % 3 + 1]))) for f in faces for i in (1, 2, 3)}
    assert document.n_points - len(edges) + len(faces) == 2


def test_a_point_charge_far_away_is_recovered(small):
    """On the spherical surface of an ion, the potential is q/r beyond its density."""
    sodium = AtomicStructure(symbols=("Na",), positions=((0, 0, 0),), charge=1)
    document = electrostatic_potential(sodium, small)
    radius = np.linalg.norm(document.minimum.position)
    assert document.minimum.potential_v == pytest.approx(14.3996 / radius, rel=0.01)
    assert document.maximum.potential_v - document.minimum.potential_v < 0.3


def test_xtb_has_no_density_and_says_so(water, gfn2):
    document = electrostatic_potential(water, gfn2)
    assert document.state == "failed"
    assert "density" in document.reason
    assert [row.state for row in document.properties()] == ["failed", "failed"]


def test_the_density_cube_holds_the_electrons(water, small):
    from ase.io.cube import read_cube

    # hydrogen alone: a core is too sharp for a grid of this kind
    hydrogen = AtomicStructure(symbols=("H", "H"), positions=((0, 0, 0), (0, 0, 0.74)))
    document = electrostatic_potential(hydrogen, small, cube=True)
    with (runtime().files / document.files["density_cube"]).open(encoding="utf-8") as handle:
        cube = read_cube(handle)
    voxel = cube["atoms"].cell.volume / cube["data"].size / 0.529177**3
    assert cube["data"].sum() * voxel == pytest.approx(2, abs=0.02)
    assert cube["atoms"].get_chemical_formula() == "H2"
    assert "density_cube" not in electrostatic_potential(water, small).files
