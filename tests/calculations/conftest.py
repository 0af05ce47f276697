"""Molecules with geometries good enough to start from, and a scratch folder per test."""

import pytest

from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.engines.level import Level


@pytest.fixture(autouse=True)
def scratch(tmp_path):
    with use_runtime(Runtime(scratch=tmp_path / "scratch", files=tmp_path / "files")):
        yield tmp_path


@pytest.fixture
def gfn2():
    return Level.parse("xtb:gfn2")


@pytest.fixture
def small():
    """A cheap DFT level."""
    return Level.parse("pyscf:b3lyp/def2-svp", {"grid": 1})


@pytest.fixture
def small_solvent():
    return Level.parse("pyscf:b3lyp/def2-svp/cpcm(7.2)", {"grid": 1, "pcm_order": 17})


@pytest.fixture
def water():
    return AtomicStructure(
        symbols=("O", "H", "H"),
        positions=((0.0, 0.0, 0.1173), (0.0, 0.7572, -0.4692), (0.0, -0.7572, -0.4692)),
        fragments=(Fragment(name="H2O", role="molecule", atoms=(0, 1, 2)),),
        label="H2O",
    )


@pytest.fixture
def magnesium():
    return AtomicStructure(
        symbols=("Mg",),
        positions=((0.0, 0.0, 0.0),),
        charge=2,
        fragments=(Fragment(name="Mg", role="metal", atoms=(0,), charge=2),),
        label="Mg2+",
    )


@pytest.fixture
def aqua_magnesium(water):
    """[Mg(H2O)]2+, the metal 1.94 A from oxygen."""
    return AtomicStructure(
        symbols=("Mg", *water.symbols),
        positions=((0.0, 0.0, 2.057), *water.positions),
        charge=2,
        fragments=(
            Fragment(name="Mg", role="metal", atoms=(0,), charge=2),
            Fragment(name="H2O", role="solvent", atoms=(1, 2, 3)),
        ),
        label="[Mg(H2O)]2+",
    )


@pytest.fixture
def bromide():
    return AtomicStructure(
        symbols=("Br",),
        positions=((0.0, 0.0, 0.0),),
        charge=-1,
        fragments=(Fragment(name="BR", role="anion", atoms=(0,), charge=-1),),
        label="Br-",
    )


@pytest.fixture
def bromomethane():
    return AtomicStructure(
        symbols=("C", "Br", "H", "H", "H"),
        positions=(
            (0.0, 0.0, 0.0),
            (0.0, 0.0, 1.94),
            (1.03, 0.0, -0.34),
            (-0.515, 0.892, -0.34),
            (-0.515, -0.892, -0.34),
        ),
        fragments=(Fragment(name="CH3Br", role="molecule", atoms=(0, 1, 2, 3, 4)),),
        label="CH3Br",
    )


@pytest.fixture
def formate_pair():
    """[Mg(HCOO)]+, bidentate: a small contact ion pair."""
    return AtomicStructure(
        symbols=("Mg", "C", "O", "O", "H"),
        positions=(
            (0.0, 0.0, 2.2),
            (0.0, 0.0, 0.0),
            (0.0, 1.12, 0.57),
            (0.0, -1.12, 0.57),
            (0.0, 0.0, -1.09),
        ),
        charge=1,
        fragments=(
            Fragment(name="Mg", role="metal", atoms=(0,), charge=2),
            Fragment(name="HCOO", role="anion", atoms=(1, 2, 3, 4), charge=-1),
        ),
        label="[Mg(HCOO)]+",
    )
