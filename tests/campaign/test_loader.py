"""A campaign file is read, or refused in one sentence with file, line and field."""

import pytest

from mgscreen.campaign.loader import MAX_BYTES, find_campaign, load_campaign, shipped_campaigns
from mgscreen.core.errors import InputError

VALID = """\
name = "x"

[candidates]
library = ["TFSI"]
"""


def refusal(tmp_path, text):
    file = tmp_path / "c.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        load_campaign(file)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(file))
    return caught.value


def test_a_valid_campaign_is_read_with_its_text_and_lines(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(VALID)
    loaded = load_campaign(file)
    assert loaded.campaign.name == "x"
    assert loaded.campaign.candidates.library == ("TFSI",)
    assert loaded.campaign.anode.metal == "Mg"
    assert loaded.text == VALID
    assert loaded.path == file
    assert loaded.source.locate("candidates", "library", 0).line == 4


def test_whole_numbers_may_stand_for_real_ones(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(VALID + "[cathode]\nwindow = [1, 2]\n")
    assert load_campaign(file).campaign.cathode.window == (1.0, 2.0)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    file = tmp_path / "c.toml"
    file.write_bytes(b"\xef\xbb\xbf" + VALID.encode())
    assert load_campaign(file).text == VALID


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ('nmae = "x"\n', 1, "nmae", "did you mean 'name'?"),
        (VALID + "[candidate]\n", 5, "candidate", "did you mean 'candidates'?"),
        (VALID + "[levels]\ngeom = 'xtb:gfn2'\n", 6, "levels.geom", "did you mean 'geometry'?"),
        (
            VALID + "[[candidates.inline]]\nname = 'a'\nsmile = 'C'\n",
            7,
            "candidates.inline[0].smile",
            "did you mean 'smiles'?",
        ),
        (VALID + "[execution]\nzzz = 1\n", 6, "execution.zzz", "known: workers, threads"),
        ('[candidates]\nlibrary = ["A"]\n', None, "name", "'name' is missing"),
        ('name = "x"\n', None, "candidates", "nothing to compute is given"),
        ('name = "x"\n[candidates]\n', 2, "candidates", "nothing to compute is given"),
        ('name = "x"\n[candidates]\nlibrary = 3\n', 3, "candidates.library", "a list or 'all'"),
        (
            'name = "x"\n[candidates]\nlibrary = "al"\n',
            3,
            "candidates.library",
            "'all', got \"al\"",
        ),
        (
            'name = "x"\n[candidates]\nlibrary = [\n"A",\n3]\n',
            5,
            "candidates.library[1]",
            "expected text, got 3",
        ),
        (
            'name = "x"\n[candidates]\nlibrary = ["A",\n"A"]\n',
            4,
            "candidates.library[1]",
            "'A' is given twice",
        ),
        (
            'name = "x"\n[candidates]\nlibrary = ["Br", "BR"]\n',
            3,
            "candidates.library[1]",
            "differ only in case",
        ),
        (
            VALID + "[[candidates.inline]]\nname = 'TFSI'\nsmiles = 'C'\n",
            6,
            "candidates.inline[0].name",
            "given twice",
        ),
        (
            VALID + "[[candidates.inline]]\nname = 'a'\nsmiles = ''\n",
            7,
            "candidates.inline[0].smiles",
            "not empty",
        ),
        (
            VALID + "[[candidates.inline]]\nname = '../a'\nsmiles = 'C'\n",
            6,
            "candidates.inline[0].name",
            "letters, digits",
        ),
        (
            VALID + "[[candidates.inline]]\nname = 'a'\nsmiles = 'C'\ncharge = 99\n",
            8,
            "candidates.inline[0].charge",
            "at most 20",
        ),
        (
            VALID + "[[candidates.inline]]\nname = 'a'\nsmiles = 'C'\nmultiplicity = 0\n",
            8,
            "candidates.inline[0].multiplicity",
            "at least 1",
        ),
        (
            VALID + "[[candidates.inline]]\nname = 'a'\n",
            5,
            "candidates.inline[0].smiles",
            "missing: the molecule as SMILES",
        ),
        (VALID + "forms = {anion = []}\n", 5, "candidates.forms.anion", "at least 1 element"),
        (
            VALID + "forms = {anion = ['ions']}\n",
            5,
            "candidates.forms.anion[0]",
            "did you mean 'ion'?",
        ),
        (VALID + "forms = {anoin = ['ion']}\n", 5, "candidates.forms.anoin", "'anion'"),
        (VALID + "[cathode]\nwindow = [nan, 2]\n", 6, "cathode.window[0]", "finite"),
        (VALID + "[cathode]\nwindow = [3, 2]\n", 6, "cathode.window", "low below high"),
        (VALID + "[cathode]\nwindow = [1, 2, 3]\n", 6, "cathode.window", "at most 2"),
        (VALID + "[cathode]\nwindow = [-1e300, 2]\n", 6, "cathode.window[0]", "at least -10"),
        (VALID + "[host]\nsalts = ['A', 'A']\n", 6, "host.salts[1]", "given twice"),
        (VALID + "[host]\ndielectric = 1\n", 6, "host.dielectric", "above 1"),
        (VALID + "[anode]\nmetal = 'mg'\n", 6, "anode.metal", "did you mean 'Mg'?"),
        (VALID + "[molecules]\nconformers = '6'\n", 6, "molecules.conformers", 'got "6"'),
        (VALID + "[molecules]\nconformers = true\n", 6, "molecules.conformers", "got true"),
        (VALID + "[molecules]\nconformers = 6.5\n", 6, "molecules.conformers", "whole number"),
        (VALID + "[molecules]\nproperties = []\n", 6, "molecules.properties", "at least 1"),
        (
            VALID + "[molecules]\nproperties = ['orbital']\n",
            6,
            "molecules.properties[0]",
            "did you mean 'orbitals'?",
        ),
        (VALID + "[levels]\ngeometry = 'b3lyp'\n", 6, "levels.geometry", "no level of theory"),
        (VALID + "[levels]\nredox = 'pyscf:b3lyp'\n", 6, "levels.redox", "no basis set"),
        (
            VALID + "[levels.settings.orca]\na = 1\n",
            5,
            "levels.settings.orca",
            "no engine 'orca'",
        ),
        (
            VALID + "[levels.settings.pyscf]\na = inf\n",
            6,
            "levels.settings.pyscf.a",
            "finite",
        ),
        (
            VALID + "[levels.settings.pyscf]\na = 2020-01-01\n",
            6,
            "levels.settings.pyscf.a",
            "text, a number",
        ),
        (VALID + "[scales]\nshe = []\n", 6, "scales.she", "at least 1"),
        (VALID + "[scales]\nshe = 4.44\n", 6, "scales.she", "a list"),
        (VALID + "[ranking]\nseed = -1\n", 6, "ranking.seed", "at least 0"),
        (VALID + "[ranking]\nsamples = 99\n", 6, "ranking.samples", "at least 100"),
        (VALID + "[execution]\nworkers = 0\n", 6, "execution.workers", "at least 1"),
        (VALID + "execution = 3\n", 5, "candidates.execution", "unknown key"),
        ('name = "x"\ncandidates = 4\n', 2, "candidates", "a table"),
        ('name = "x"\n[[candidates]]\nlibrary = ["A"]\n', 2, "candidates", "a table"),
        ('name = "x y"\n[candidates]\nlibrary = ["A"]\n', 1, "name", "letters, digits"),
        ('name = "x\n', 1, None, "not valid TOML"),
    ],
)
def test_a_fault_is_named_with_line_and_field(tmp_path, text, line, field, words):
    error = refusal(tmp_path, text)
    assert error.location.line == line
    assert error.location.field == field
    assert words in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"# only a comment\n", "empty"),
        (b'name = "x"\nb = "\xff"\n', "not UTF-8"),
        (b"\x00\x01\x02binary", "binary"),
        (b"x" * (MAX_BYTES + 1), "at most 2 MB"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, words):
    assert words in str(refusal(tmp_path, content))


def test_a_bad_byte_is_on_its_line(tmp_path):
    assert refusal(tmp_path, b'name = "x"\nb = "\xff"\n').location.line == 2


def test_what_is_no_file_is_refused(tmp_path):
    for path, words in (
        (tmp_path, "folder"),
        (tmp_path / "missing.toml", "no such file"),
        (tmp_path / "missing" / "c.toml", "no such file"),
        ("x" * 5000, "no such file"),
        ("a\0b", "no such file"),
    ):
        with pytest.raises(InputError, match=words):
            load_campaign(path)


def test_shipped_campaigns_are_found_by_name_and_all_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = shipped_campaigns()
    assert {"laptop", "dual-additive", "library"} <= set(shipped)
    for name, path in shipped.items():
        assert load_campaign(name).campaign.name == name
        assert find_campaign(name) == path
    with pytest.raises(InputError, match="did you mean 'laptop'"):
        load_campaign("laptpo")


def test_a_file_comes_before_a_shipped_campaign_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "laptop").write_text(VALID)
    assert load_campaign("laptop").campaign.name == "x"
