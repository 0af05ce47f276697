"""Names of levels of theory are read and written in one place."""

import pytest

from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level


@pytest.mark.parametrize(
    "name",
    [
        "xtb:gfn2",
        "xtb:gfn2/alpb(7.2)",
        "pyscf:b3lyp/6-31g(d)",
        "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)",
        "pyscf:b3lyp-d3bj/def2-svp",
        "pyscf:pbe0-d4/def2-svpd/cpcm(7.2)",
    ],
)
def test_round_trip(name):
    assert str(Level.parse(name)) == name


def test_environment_is_named():
    assert Level.parse("pyscf:b3lyp/6-31g(d)").environment == "gas"
    level = Level.parse("pyscf:b3lyp/6-31g(d)").in_solvent(7.2)
    assert level.environment == "C-PCM eps=7.2"
    assert level.in_gas().environment == "gas"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("b3lyp/6-31g(d)", "engine:method"),
        ("orca:b3lyp/6-31g(d)", "no engine 'orca'"),
        ("pyscf:b3lyp", "no basis set"),
        ("pyscf:b3lyp/6-31g(d)/cpcm(0.5)", "above 1"),
        ("pyscf:b3lyp/6-31g(d)/alpb(7.2)", "cpcm for pyscf"),
        ("xtb:gfn2/6-31g(d)", "own basis"),
        ("pyscf:b3lyp/6-31g(d)/cpcm(7.2)/more", "one part too many"),
        ("", "no level of theory"),
    ],
)
def test_what_is_wrong_is_said(name, says):
    with pytest.raises(InputError, match=says.replace("(", r"\(").replace(")", r"\)")):
        Level.parse(name)
