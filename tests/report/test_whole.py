"""A report with every part: the answer, escaped texts, citations, charts that are valid."""

import json
import re
import shlex
from html.parser import HTMLParser

import bibtexparser
import pytest
from bibtexparser.bparser import BibTexParser

from mgscreen.core.errors import InputError
from mgscreen.report import bibliography
from mgscreen.report.html import write_report

SECTIONS = ("answer", "ranking", "pairs", "coatings", "migration", "adsorption", "experiment")


class Page(HTMLParser):
    """Elements, data blocks and words."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.blocks, self.words = [], {}, []
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.elements.append((tag, given))
        self.inside = given.get("id", "") if tag == "script" else None

    def handle_endtag(self, _tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.words.append(data)
        elif self.inside:
            self.blocks[self.inside] = json.loads(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def parsed(whole_page):
    return Page(whole_page.read_text("utf-8"))


def test_every_part_is_there_and_the_answer_comes_first(parsed):
    ids = [a["id"] for t, a in parsed.elements if t == "section"]
    assert ids[: len(SECTIONS)] == list(SECTIONS)
    text = parsed.text
    answer = text[text.index("The answer") : text.index("Ranking of additives")]
    for part in (
        "Additive for the anode",
        "Additive for the cathode PFTB P(CEI)",
        "Pair",
        "Coating ",
        "Lowest barrier for Mg",
        "Most strongly bound fragment",
        "(90 %: 1-",
        "0.65 eV",
        "-4.68 eV",
        "at pyscf:b3lyp/6-31+g(d)/cpcm(7.2)",
        "over 2 levels",
    ):
        assert part in answer, part


def test_no_text_of_the_database_becomes_an_element(parsed):
    assert not [a for t, a in parsed.elements if t == "img" and a.get("src") == "x"]
    assert not [n for _, a in parsed.elements for n in a if n.startswith("on")]
    assert sum(t == "title" for t, _ in parsed.elements) == 1
    assert '<script>document.title="owned"</script>' in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text
    assert "49" not in re.findall(r"'(\d+)", parsed.text)
    raw = json.dumps(parsed.blocks)
    assert "owned" in raw


def test_ids_links_and_details_fit_together(parsed):
    ids = [a["id"] for _, a in parsed.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for t, a in parsed.elements if t == "a"}
    assert links <= set(ids)
    more = {a["data-more"] for _, a in parsed.elements if "data-more" in a}
    assert len(more) > 10
    assert more <= set(ids)
    drawn = {a["data-chart"] for _, a in parsed.elements if "data-chart" in a}
    assert drawn == set(parsed.blocks["charts"])
    assert all(a.get("aria-label") for _, a in parsed.elements if "data-chart" in a)
    shown = {a["data-structure"] for _, a in parsed.elements if "data-structure" in a}
    assert shown == {s["id"] for s in parsed.blocks["structures"]}


def test_tables_of_every_part_can_be_read_aloud(parsed):
    tables = [i for i, (t, _) in enumerate(parsed.elements) if t == "table"]
    assert len(tables) > 12
    assert all(parsed.elements[i + 1][0] == "caption" for i in tables)
    assert all("scope" in a for t, a in parsed.elements if t == "th")


def test_charts_are_valid_vega_lite(parsed):
    import altair as alt

    specs = [*parsed.blocks["charts"].values(), parsed.blocks["spec"]]
    assert len(specs) > 5
    for spec in specs:
        alt.Chart.from_dict(spec, validate=True)


def test_the_commands_run_as_they_stand(parsed):
    text = parsed.text
    block = text[text.index("Commands that give this report again") :]
    for verb in ("rank additives", "rank pairs", "rank coatings", "rank phases", "report"):
        assert f"mgscreen {verb} filmed" in block


def test_bibtex_is_read_by_a_reader_and_stands_in_the_page(parsed, whole_page):
    text = whole_page.with_name("references.bib").read_text("utf-8")
    found = bibtexparser.loads(text, BibTexParser(ignore_nonstandard_types=False))
    keys = {e["ID"] for e in found.entries}
    assert {"deng-2023", "park-2024", "mortensen-2024", "perdew-1996", "cossi-2003"} <= keys
    assert {"becke-1993", "hariharan-1973", "hermes-2019", "ong-2008"} <= keys
    assert "chai-2008" not in keys
    assert "data-chemicals" in keys
    assert len(keys) == text.count("\n@") + 1
    shown = {a["id"].removeprefix("cite-") for _, a in parsed.elements if "id" in a}
    assert keys <= shown
    for key in ("deng-2023", "park-2024"):
        assert f"@article{{{key}," in parsed.text


def test_every_method_has_what_it_takes_to_find_it():
    for entry in bibliography.library().values():
        assert entry.text
        assert entry.doi or entry.key in {"gaussian", "batatia-2022"}
        assert not re.search(r"[{}\\$]", entry.text), entry.text
    named = {k for _, keys in bibliography.BY_LEVEL for k in keys}
    named |= {k for keys in bibliography.BY_KIND.values() for k in keys}
    named |= {*bibliography.ALWAYS, "wang-2016"}
    assert named == set(bibliography.library())


@pytest.mark.parametrize(
    ("level", "key"),
    [
        ("pyscf:wb97x-d3bj/def2-svpd", "najibi-2018"),
        ("pyscf:wb97x-d3bj/def2-svpd", "rappoport-2010"),
        ("gpaw:pbe-d3bj//mlip:7net-l3i5", "park-2024"),
        ("gpaw:pbe-d3bj//mlip:7net-l3i5", "grimme-2011"),
        ("xtb:gfn2/alpb(acetone)", "bannwarth-2019"),
        ("vasp:pbe", "kresse-1996"),
        ("gaussian:b3lyp/6-31g(d)", "gaussian"),
    ],
)
def test_a_level_names_its_papers(level, key):
    assert key in {e.key for e in bibliography.of_methods([level])}
    assert "chai-2008" not in {e.key for e in bibliography.of_methods([level])}


def test_a_source_cannot_break_out_of_its_bibtex_entry():
    (entry,) = bibliography.of_sources(
        ["evil}\n@misc{x,"], {"evil}\n@misc{x,": ("T}, note={\\input{/etc/passwd} @article{", "")}
    )
    found = bibtexparser.loads(entry.bibtex, BibTexParser(ignore_nonstandard_types=False))
    assert len(found.entries) == 1
    assert set(found.entries[0]) == {"ENTRYTYPE", "ID", "title"}
    assert "\\input" not in entry.bibtex


def test_a_hostile_name_stays_one_argument_of_the_commands():
    from mgscreen.report.html import _commands
    from mgscreen.report.sections import Sections

    name = "x; rm -rf ~ #"
    part = {"commands": ["mgscreen rank coatings"], "title": "", "caveats": []}
    for line in _commands(name, [], Sections(parts=[part])):
        assert name in shlex.split(line)


def test_a_report_goes_where_it_is_told_and_nowhere_else(whole, tmp_path):
    database, number = whole
    with pytest.raises(InputError):
        write_report(database, "../../etc/passwd", tmp_path / "r.html")
    inside = tmp_path / "inside"
    write_report(database, number, inside / "r.html")
    assert {p.name for p in inside.iterdir()} == {
        "r.html",
        "references.bib",
        "levels.svg",
        "levels.png",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["inside"]


def test_it_is_small(whole_page):
    assert whole_page.stat().st_size < 5_000_000
