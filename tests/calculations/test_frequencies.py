"""Vibrations: known molecules, and saddle points that are left."""

import numpy as np
import pytest

from mgscreen.calculations.frequencies import finer, harmonic_frequencies
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level


@pytest.fixture
def planar_ammonia():
    return AtomicStructure(
        symbols=("N", "H", "H", "H"),
        positions=((0, 0, 0), (1.0, 0, 0), (-0.5, 0.8660254, 0), (-0.5, -0.8660254, 0)),
    )


def test_water_has_three_real_modes(water, gfn2):
    document = harmonic_frequencies(water, gfn2)
    assert document.state == "completed"
    assert len(document.wavenumbers_cm1) == 3
    assert document.n_imaginary == 0
    assert document.n_followed == 0
    # measured harmonic: 1649, 3832, 3943 cm-1; GFN2 is within a few percent of them
    assert document.wavenumbers_cm1[0] == pytest.approx(1649, rel=0.1)
    assert document.wavenumbers_cm1[2] == pytest.approx(3943, rel=0.1)
    total = sum(document.wavenumbers_cm1) / 2 * 1.239842e-4
    assert document.zero_point_energy_ev == pytest.approx(total, rel=1e-5)
    assert document.symmetry_number == 2
    # G - E(electronic) - ZPE of water vapour: H(298)-H(0) 9.90 kJ/mol - T S 188.8 J/mol/K
    thermal = document.gibbs_correction_ev - document.zero_point_energy_ev
    assert thermal == pytest.approx((9.90 - 298.15 * 0.1888) / 96.485, abs=0.005)


def test_planar_ammonia_is_followed_to_the_pyramid(planar_ammonia, gfn2):
    document = harmonic_frequencies(planar_ammonia, gfn2)
    assert document.state == "completed"
    assert document.n_followed == 1
    assert document.followed_cm1[0] < -200
    assert document.n_imaginary == 0
    assert document.symmetry_number == 3
    positions = np.array(document.structure.positions)
    normal = np.cross(positions[2] - positions[1], positions[3] - positions[1])
    height = abs(np.dot(positions[0] - positions[1], normal / np.linalg.norm(normal)))
    # measured: nitrogen 0.38 A above the plane of its hydrogens
    assert height == pytest.approx(0.38, abs=0.1)
    assert document.settings["fmax"] < gfn2.settings.get("fmax", 0.01)


def test_a_saddle_point_that_may_not_be_followed_is_a_failure(planar_ammonia, gfn2):
    document = harmonic_frequencies(planar_ammonia, gfn2, max_follow=0)
    assert document.state == "failed"
    assert "cm-1" in document.reason
    assert document.n_imaginary == 1
    assert document.wavenumbers_cm1[0] < 0
    assert all(row.value is None for row in document.properties())


def test_eclipsed_ethane_becomes_staggered(gfn2):
    radius, half, height = 1.02, 0.765, 1.16
    angles = np.deg2rad([0, 120, 240])
    ring = [(radius * np.cos(a), radius * np.sin(a)) for a in angles]
    positions = [(0, 0, half), (0, 0, -half)]
    positions += [(x, y, z) for z in (height, -height) for x, y in ring]
    eclipsed = AtomicStructure(symbols=("C", "C", *"HHHHHH"), positions=tuple(positions))
    document = harmonic_frequencies(eclipsed, gfn2)
    assert document.state == "completed"
    assert document.n_followed == 1
    from ase.geometry import get_dihedrals

    p = np.array(document.structure.positions)
    turns = [
        float(get_dihedrals((p[0] - p[2])[None], (p[1] - p[0])[None], (p[j] - p[1])[None])[0])
        for j in (5, 6, 7)
    ]
    nearest = min(abs((turn + 180) % 360 - 180) for turn in turns)
    assert nearest == pytest.approx(60, abs=1)


def test_an_atom_has_only_translation(magnesium, gfn2):
    document = harmonic_frequencies(magnesium, gfn2)
    assert document.state == "completed"
    assert document.wavenumbers_cm1 == []
    assert document.zero_point_energy_ev == 0
    # 5/2 kT - T S of a monatomic gas of mass 24.305 u (Sackur-Tetrode)
    assert document.gibbs_correction_ev == pytest.approx(-0.3946, abs=0.002)
    assert "lowest_frequency" not in {row.property for row in document.properties()}


def test_finer_settings_are_known_to_both_engines():
    from mgscreen.engines.base import get_engine

    for text in ("xtb:gfn2", "pyscf:b3lyp/6-31g(d)"):
        level = Level.parse(text)
        assert str(finer(level)) == text
        assert get_engine(finer(level)).settings() != get_engine(level).settings()
