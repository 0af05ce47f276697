"""Lines of a TOML text: every path that tomllib reads is found, on the line that holds its key."""

import json
import tomllib

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.campaign.sourcemap import SourceMap, dotted
from mgscreen.core.errors import InputError

EXAMPLE = """\
name = "x"
a.b."c d" = 3
[t."q.r"]
x = {y = 1, z.w = [1,
 2, {k=3}]}
[[t.arr]]
n = 1
[t.arr.sub]
m = 2
[[t.arr]]
n = 3
[[t.arr.deep]]
p = "[not.a.table]"
[[t.arr.deep]]
p = '''
[nor.this]
'''
q = 2000-01-01
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("a", "b"), 2),
        (("a", "b", "c d"), 2),
        (("t", "q.r"), 3),
        (("t", "q.r", "x", "z", "w", 0), 4),
        (("t", "q.r", "x", "z", "w", 1), 5),
        (("t", "q.r", "x", "z", "w", 2, "k"), 5),
        (("t", "arr", 0), 6),
        (("t", "arr", 0, "sub", "m"), 9),
        (("t", "arr", 1), 10),
        (("t", "arr", 1, "n"), 11),
        (("t", "arr", 1, "deep", 0, "p"), 13),
        (("t", "arr", 1, "deep", 1, "p"), 15),
        (("t", "arr", 1, "deep", 1, "q"), 18),
        # what is not there stands where its nearest ancestor does
        (("t", "arr", 1, "missing", "more"), 10),
        (("t", "q.r", "x", "z", "w", 7), 4),
        (("nothing",), None),
        ((), None),
    ],
)
def test_lines_of_an_example(path, line):
    place = SourceMap.parse(EXAMPLE, "file.toml").locate(*path)
    assert place.line == line
    assert place.file == "file.toml"


def test_carriage_returns_and_byte_order_do_not_shift_lines():
    text = EXAMPLE.replace("\n", "\r\n")
    assert SourceMap.parse(text, "f").lines == SourceMap.parse(EXAMPLE, "f").lines


def test_a_path_is_written_for_people():
    assert dotted(("candidates", "inline", 0, "smiles")) == "candidates.inline[0].smiles"
    assert dotted(("a b", "c")) == '"a b".c'
    assert "\n" not in dotted(("a\nb",))
    assert len(dotted(("x" * 5000,))) < 100


KEYS = st.text(min_size=1, max_size=8).filter(
    lambda key: not any(0xD800 <= ord(c) < 0xE000 for c in key)
)
SCALARS = st.one_of(
    st.integers(-(2**60), 2**60),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["text", "", "[x]", 'a = "b"', "# no comment", "two\nlines", "é", "'"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


def paths(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield (*path, n)
            yield from paths(inner, (*path, n))


def spellings(key):
    quoted = tomlkit.dumps({key: 0}).rpartition(" = ")[0]
    return {quoted, key, json.dumps(key), json.dumps(key, ensure_ascii=False), f"'{key}'"}


@settings(max_examples=150, deadline=None)
@given(document=DOCUMENTS, comments=st.integers(0, 3))
def test_every_path_is_on_a_line_that_holds_its_key(document, comments):
    text = "# comment\n" * comments + tomlkit.dumps(document)
    source = SourceMap.parse(text, "f")
    assert source.data == tomllib.loads(text)
    lines = text.split("\n")
    for path in paths(source.data):
        assert path in source.lines, (path, text)
        if isinstance(path[-1], str):
            line = lines[source.locate(*path).line - 1]
            assert any(key in line for key in spellings(path[-1])), (path, line, text)


@settings(max_examples=100, deadline=None)
@given(document=DOCUMENTS)
def test_no_path_is_made_up(document):
    text = tomlkit.dumps(document)
    source = SourceMap.parse(text, "f")
    assert set(source.lines) == set(paths(source.data))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = 1\nb = "open\n', 2),
        ("a = 1\n[table\n", 2),
        ("a = 1\na = 2\n", 2),
        ("x = 1\ny = [1, 2\n", 2),
        ("[a]\n[a]\n", 2),
        ("a = 1\n\nb 2\n", 3),
        ("a = 2020-13-45\n", 1),
        ("a = 1\nb = " + "1" * 6000 + "\n", 2),
    ],
)
def test_a_syntax_error_names_its_line(text, line):
    with pytest.raises(InputError) as caught:
        SourceMap.parse(text, "my.toml")
    assert caught.value.location.line == line
    assert str(caught.value).startswith(f"my.toml:{line}: ")
    assert "TOML" in str(caught.value)


def test_deep_nesting_is_refused():
    with pytest.raises(InputError, match="TOML"):
        SourceMap.parse("a = " + "[" * 5000 + "]" * 5000, "f")
