"""Malformed files of candidates: exit code 2, one sentence with file and line."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CSV = """\
name,smiles,charge,multiplicity,description
TMSCL,C[Si](C)(C)Cl,0,1,chlorotrimethylsilane
FSI2,O=S(=O)(F)[N-]S(=O)(=O)F,-1,1,an anion
ETHER,COC,0,1,"dimethyl ether, a solvent"
"""
TOML = """\
[[candidates]]
name = "TMSCL"
smiles = "C[Si](C)(C)Cl"

[[candidates]]
name = "FSI2"
smiles = "O=S(=O)(F)[N-]S(=O)(=O)F"
charge = -1
multiplicity = 1
"""
ROWS = CSV.splitlines()
MUCH = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BROKEN = st.sampled_from(["C(", "C1CC", "Xx", "C[", "not smiles", "C==C", "F(F)(F)F", "", "(", "%"])


def refused(mgscreen, path, content, line=None):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = mgscreen("candidates", "check", path)
    assert result.code == 2, (result, content)
    assert not result.out
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    assert result.err.startswith(f"error: {path}")
    if line is not None:
        assert result.err.startswith(f"error: {path}:{line}"), (result.err, content)
    return result.err


def row_with(place, column, value):
    cells = ROWS[place].split(",")
    cells[column] = value
    return "\n".join([*ROWS[:place], ",".join(cells), *ROWS[place + 1 :]]) + "\n"


@pytest.mark.parametrize(("name", "content", "number"), [("c.csv", CSV, 3), ("c.toml", TOML, 2)])
def test_a_good_file(mgscreen, tmp_path, name, content, number):
    path = tmp_path / name
    path.write_text(content)
    result = mgscreen("candidates", "check", path)
    assert (result.code, result.err) == (0, "")
    assert f"{number} candidates, no fault found" in result.out
    assert "FSI2" in result.out


@MUCH
@given(place=st.integers(1, 2), smiles=BROKEN)
def test_a_broken_smiles_in_csv(mgscreen, tmp_path, place, smiles):
    refused(mgscreen, tmp_path / "c.csv", row_with(place, 1, smiles), place + 1)


@MUCH
@given(smiles=BROKEN)
def test_a_broken_smiles_in_toml(mgscreen, tmp_path, smiles):
    content = TOML.replace('"C[Si](C)(C)Cl"', f"'{smiles}'")
    refused(mgscreen, tmp_path / "c.toml", content, 3)


@MUCH
@given(
    place=st.integers(1, 2),
    charge=st.one_of(
        st.integers(-(2**70), 2**70).filter(lambda c: c not in {0, -1}).map(str),
        st.sampled_from(["nan", "inf", "one", "0.5", "1e300", "--1"]),
    ),
)
def test_an_impossible_charge_in_csv(mgscreen, tmp_path, place, charge):
    refused(mgscreen, tmp_path / "c.csv", row_with(place, 2, charge), place + 1)


@MUCH
@given(
    charge=st.one_of(
        st.integers(-(2**60), 2**60).filter(lambda c: c != -1).map(str),
        st.sampled_from(["nan", "inf", '"-1"', "-1.0", "true", "[]", "9" * 6000]),
    )
)
def test_an_impossible_charge_in_toml(mgscreen, tmp_path, charge):
    content = TOML.replace("charge = -1", f"charge = {charge}")
    refused(mgscreen, tmp_path / "c.toml", content, 8)


@MUCH
@given(place=st.integers(1, 2), value=st.sampled_from(["0", "2", "4", "-1", "x", "1.5", "nan"]))
def test_an_impossible_multiplicity_in_csv(mgscreen, tmp_path, place, value):
    refused(mgscreen, tmp_path / "c.csv", row_with(place, 3, value), place + 1)


@MUCH
@given(
    place=st.integers(1, 2),
    name=st.sampled_from(["", "../x", "a b", "x" * 65, ".hidden", "a/b", "$(x)", "ETHER", "-x"]),
)
def test_a_wrong_or_doubled_name_in_csv(mgscreen, tmp_path, place, name):
    refused(mgscreen, tmp_path / "c.csv", row_with(place, 0, name))


@MUCH
@given(
    header=st.sampled_from(
        [
            "nmae,smiles,charge,multiplicity,description",
            "name,smile,charge,multiplicity,description",
            "name,smiles,smiles,multiplicity,description",
            "name,smiles,charge,multiplicity",
            "name",
            "1,2,3,4,5",
        ]
    )
)
def test_a_wrong_header(mgscreen, tmp_path, header):
    refused(mgscreen, tmp_path / "c.csv", "\n".join([header, *ROWS[1:]]))


@MUCH
@given(place=st.integers(1, 3), extra=st.sampled_from([",,,x", ",a,b", ',"open']))
def test_a_row_of_the_wrong_shape(mgscreen, tmp_path, place, extra):
    rows = [*ROWS[:place], ROWS[place] + extra, *ROWS[place + 1 :]]
    refused(mgscreen, tmp_path / "c.csv", "\n".join(rows) + "\n")


@MUCH
@given(
    suffix=st.sampled_from(["csv", "toml"]),
    junk=st.sampled_from([b"\xff", b"\x00", b"\xc3\x28", b"\xed\xa0\x80"]),
    data=st.data(),
)
def test_bytes_that_are_no_text(mgscreen, tmp_path, suffix, junk, data):
    raw = (CSV if suffix == "csv" else TOML).encode()
    place = data.draw(st.integers(0, len(raw)))
    refused(mgscreen, tmp_path / f"c.{suffix}", raw[:place] + junk + raw[place:])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", ""),
        ("c.csv", "\n\n"),
        ("c.csv", ROWS[0]),
        ("c.toml", ""),
        ("c.toml", "candidates = []\n"),
        ("c.toml", "candidates = 3\n"),
        ("c.toml", TOML.replace("name", "nmae", 1)),
        ("c.toml", TOML.replace("[[candidates]]", "[[candidate]]")),
        ("c.toml", TOML.replace('"FSI2"', '"TMSCL"')),
        ("c.toml", TOML.replace("[[candidates]]", "[[candidates]")),
        ("c.xlsx", CSV),
        ("c", CSV),
    ],
)
def test_a_file_that_is_none(mgscreen, tmp_path, name, content):
    refused(mgscreen, tmp_path / name, content)


def test_no_file_at_all(mgscreen, tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        result = mgscreen("candidates", "check", path)
        assert (result.code, result.err.count("\n")) == (2, 1)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(suffix=st.sampled_from(["csv", "toml"]), data=st.data())
def test_random_damage_is_never_a_traceback(mgscreen, tmp_path, suffix, data):
    raw = (CSV if suffix == "csv" else TOML).encode()
    start = data.draw(st.integers(0, len(raw) - 1))
    length = data.draw(st.integers(0, 8))
    path = tmp_path / f"c.{suffix}"
    path.write_bytes(raw[:start] + data.draw(st.binary(max_size=8)) + raw[start + length :])
    result = mgscreen("candidates", "check", path)
    assert result.code in {0, 2}, result
    assert result.err.count("\n") == (1 if result.code else 0), result
    assert "defect" not in result.err
