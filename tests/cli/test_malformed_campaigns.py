"""Malformed campaigns end with exit code 2 and one sentence that names the file and the line."""

import re
import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEMPLATE = (
    (files("mgscreen.cli") / "templates" / "starter.toml")
    .read_text(encoding="utf-8")
    .replace("@NAME@", "valid")
)
LINES = TEMPLATE.split("\n")
KEYS = [n for n, line in enumerate(LINES) if re.match(r"[a-z_]+ = ", line)]
HEADERS = [n for n, line in enumerate(LINES) if line.startswith("[")]
TEXTS = [n for n in KEYS if re.match(r'[a-z_]+ = "', LINES[n])]
LISTS = [n for n in KEYS if re.match(r"[a-z_]+ = \[", LINES[n])]
NUMBERS = [n for n in KEYS if re.match(r"[a-z_]+ = [0-9]", LINES[n])]
SMILES = LINES.index('smiles = "C[Si](C)(C)Cl"')
CHARGE = LINES.index("charge = 0")
MULTIPLICITY = LINES.index("multiplicity = 1")
LIBRARY = next(n for n, line in enumerate(LINES) if line.startswith("library = "))
METAL = next(n for n, line in enumerate(LINES) if line.startswith("metal = "))
PRESET = next(n for n, line in enumerate(LINES) if line.startswith("preset = "))
MUCH = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = st.from_regex(r"[a-z]{3,9}", fullmatch=True)


def changed(place, line):
    return "\n".join([*LINES[:place], line, *LINES[place + 1 :]])


def inserted(place, line):
    return "\n".join([*LINES[: place + 1], line, *LINES[place + 1 :]])


def value_set(place, value):
    return changed(place, f"{LINES[place].partition(' = ')[0]} = {value}")


def refused(mgscreen, tmp_path, content, line=None):
    """Assert the whole contract; ``line`` is where the fault is, counted from 0."""
    path = tmp_path / "bad.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = mgscreen("run", path, "--dry-run", "--quiet")
    assert result.code == 2, (result, content)
    assert not result.out
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    assert result.err.startswith(f"error: {path}")
    assert result.err.isprintable() or result.err.rstrip("\n").isprintable()
    if line is not None:
        assert result.err.startswith(f"error: {path}:{line + 1}: "), (result.err, content)
    return result.err


def test_the_template_itself_is_valid(mgscreen, tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(TEMPLATE)
    result = mgscreen("run", path, "--dry-run", "--quiet")
    assert (result.code, result.err) == (0, "")


@MUCH
@given(place=st.sampled_from(HEADERS), word=WORDS)
def test_an_unknown_key(mgscreen, tmp_path, place, word):
    error = refused(mgscreen, tmp_path, inserted(place, f"x{word} = 1"), place + 1)
    assert f"x{word}" in error


@MUCH
@given(place=st.sampled_from(KEYS), data=st.data())
def test_a_misspelt_key_names_the_right_one(mgscreen, tmp_path, place, data):
    key, _, value = LINES[place].partition(" = ")
    cut = data.draw(st.integers(0, len(key) - 1))
    wrong = key[:cut] + "q" + key[cut:]
    error = refused(mgscreen, tmp_path, changed(place, f"{wrong} = {value}"), place)
    assert f"did you mean '{key}'?" in error


@MUCH
@given(word=WORDS, double=st.booleans())
def test_an_unknown_table(mgscreen, tmp_path, word, double):
    header = f"[[x{word}]]" if double else f"[x{word}]"
    refused(mgscreen, tmp_path, f"{TEMPLATE}\n{header}\na = 1\n", len(LINES))


@MUCH
@given(
    place=st.sampled_from(KEYS),
    value=st.sampled_from(["{a = 1}", "2020-01-01", "[[1]]", "true", "[{}]", "[true, 1.5]"]),
)
def test_a_value_of_the_wrong_type(mgscreen, tmp_path, place, value):
    refused(mgscreen, tmp_path, value_set(place, value), place)


@MUCH
@given(place=st.sampled_from(TEXTS + LISTS), value=st.sampled_from(["3", "-1.5", "false"]))
def test_a_number_for_a_text_or_list(mgscreen, tmp_path, place, value):
    refused(mgscreen, tmp_path, value_set(place, value), place)


@MUCH
@given(
    place=st.sampled_from(NUMBERS),
    value=st.sampled_from(
        ["nan", "inf", "-inf", "1e300", "-1e300", '"4"', "9" * 30, "-" + "9" * 30, "9" * 5000]
    ),
)
def test_a_number_that_cannot_be(mgscreen, tmp_path, place, value):
    refused(mgscreen, tmp_path, value_set(place, value), place)


@MUCH
@given(place=st.sampled_from(KEYS), sign=st.sampled_from(['"', "[", "]", "=", "{"]))
def test_a_lost_or_doubled_sign(mgscreen, tmp_path, place, sign):
    code, hash_, comment = LINES[place].partition("#")
    lost = code.replace(sign, "", 1) if sign in code else f"{code.rstrip()}{sign} "
    refused(mgscreen, tmp_path, changed(place, lost + hash_ + comment))


@MUCH
@given(place=st.sampled_from(KEYS))
def test_a_key_given_twice(mgscreen, tmp_path, place):
    refused(mgscreen, tmp_path, inserted(place, LINES[place].partition("#")[0]), place + 1)


@MUCH
@given(
    place=st.sampled_from(range(len(LINES))),
    junk=st.sampled_from([b"\xff", b"\xc3\x28", b"\x00", b"\xed\xa0\x80", b"\xfe\xff"]),
)
def test_bytes_that_are_no_text(mgscreen, tmp_path, place, junk):
    rows = [line.encode() for line in LINES]
    rows[place] += junk
    refused(mgscreen, tmp_path, b"\n".join(rows), place)


@MUCH
@given(
    value=st.sampled_from(
        ['["TFSI", "TFSI"]', '["tfsx"]', '["TFSI", ""]', '["../x"]', '"ALL"', '["TFSI", 3]', "[[]]"]
    )
)
def test_a_wrong_name(mgscreen, tmp_path, value):
    refused(mgscreen, tmp_path, value_set(LIBRARY, value), LIBRARY)


@MUCH
@given(
    smiles=st.one_of(
        st.sampled_from(
            ["C(", "C1CC", "Xx", "c1ccc", "C[", "[C", "not smiles", "C==C", "F(F)(F)F"]
        ),
        st.text(alphabet="()[]=#%@+", min_size=1, max_size=8),
    )
)
def test_a_broken_smiles(mgscreen, tmp_path, smiles):
    refused(mgscreen, tmp_path, value_set(SMILES, f"'{smiles}'"), SMILES)


@MUCH
@given(charge=st.one_of(st.integers(-(2**70), -1), st.integers(1, 2**70)))
def test_an_impossible_charge(mgscreen, tmp_path, charge):
    refused(mgscreen, tmp_path, value_set(CHARGE, charge), CHARGE)


@MUCH
@given(multiplicity=st.integers(-50, 50).filter(lambda m: m < 1 or m % 2 == 0 or m > 20))
def test_an_impossible_multiplicity(mgscreen, tmp_path, multiplicity):
    refused(mgscreen, tmp_path, value_set(MULTIPLICITY, multiplicity), MULTIPLICITY)


@MUCH
@given(
    step=st.sampled_from(["conformers", "geometry", "electronic", "redox"]),
    level=st.sampled_from(
        [
            "",
            "b3lyp",
            "orca:b3lyp/6-31g",
            "pyscf:b3lyp",
            "pyscf:nosuchfunctional/6-31g(d)",
            "pyscf:b3lyp/nosuchbasis",
            "pyscf:b3lyp/6-31g(d)/cpcm(0.5)",
            "pyscf:b3lyp/6-31g(d)/cpcm(1.2.3)",
            "xtb:gfn2/cpcm(7.2)",
            "xtb:gfn7",
        ]
    ),
)
def test_a_wrong_level_of_theory(mgscreen, tmp_path, step, level):
    refused(mgscreen, tmp_path, inserted(PRESET, f"{step} = '{level}'"), PRESET + 1)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("[levels.settings.pyscf]\ngird = 3\n", 1),
        ("[levels.settings.xtb]\naccuracy = 'high'\n", 1),
        ("[levels.settings.orca]\ngrid = 3\n", 0),
        ("[candidates.forms_of]\nNOBODY = ['ion']\n", 1),
    ],
)
def test_a_wrong_entry_of_a_table(mgscreen, tmp_path, table, line):
    refused(mgscreen, tmp_path, TEMPLATE + table, len(LINES) - 1 + line)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_random_damage_is_never_a_traceback(mgscreen, tmp_path, data):
    raw = TEMPLATE.encode()
    start = data.draw(st.integers(0, len(raw) - 1))
    length = data.draw(st.integers(0, 12))
    junk = data.draw(st.binary(max_size=12))
    path = tmp_path / "damaged.toml"
    path.write_bytes(raw[:start] + junk + raw[start + length :])
    result = mgscreen("run", path, "--dry-run", "--quiet")
    assert result.code in {0, 2}, result
    assert result.err.count("\n") == (1 if result.code else 0), result
    assert "Traceback" not in result.err
    assert "defect" not in result.err
    if result.code:
        assert result.err.startswith("error: ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TEMPLATE.replace("metal =", "metall ="), METAL + 1),
        (TEMPLATE.replace('["TFSI"', '["TFSX"'), LIBRARY + 1),
    ],
)
def test_the_installed_command_does_the_same(tmp_path, content, line):
    (tmp_path / "bad.toml").write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "mgscreen.cli.main", "run", "bad.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: bad.toml:{line}: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()
