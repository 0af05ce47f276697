"""The page as a document: escaped, self-contained, with everything in it."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from mgscreen.core.errors import InputError
from mgscreen.report.html import write_report


class Page(HTMLParser):
    """What an HTML parser sees: elements with attributes, scripts, text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.words = [], [], []
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = dict(attrs) if tag == "script" else None
        if tag == "script":
            self.scripts.append([dict(attrs), ""])

    def handle_endtag(self, _tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.words.append(data)
        else:
            self.scripts[-1][1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page.read_text(encoding="utf-8"))


def test_no_script_comes_from_data(parsed):
    policy = next(
        a["content"]
        for t, a in parsed.elements
        if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    data, code = [], []
    for attributes, text in parsed.scripts:
        (data if attributes.get("type") == "application/json" else code).append(text)
    assert len(data) == 2
    assert len(code) == 2
    for text in code:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1]
    assert "unsafe-eval" not in policy
    assert "default-src 'none'" in policy


def test_data_makes_no_element_and_no_handler(parsed):
    assert not [a for t, a in parsed.elements if t == "img" and a.get("src") == "x"]
    assert not [n for _, a in parsed.elements for n in a if n.startswith("on")]
    assert '</script><script>document.title="owned"</script>' in parsed.text
    # a template expression in data is text too
    assert "{{ 7 * 7 }}" in parsed.text


def test_the_chart_survives_a_hostile_name(parsed):
    spec = json.loads(next(t for a, t in parsed.scripts if a.get("id") == "spec"))
    assert "owned" in json.dumps(spec)


def test_nothing_is_loaded_from_elsewhere(parsed):
    for tag, attributes in parsed.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "data:")), (tag, address)


def test_it_is_small_and_the_figures_lie_beside_it(page):
    assert page.stat().st_size < 2_000_000
    svg, png = page.with_name("levels.svg"), page.with_name("levels.png")
    assert svg.read_text().startswith("<svg")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_tables_can_be_read_aloud(parsed):
    text = parsed.elements
    tables = [i for i, (t, _) in enumerate(text) if t == "table"]
    assert all(text[i + 1][0] == "caption" for i in tables)
    assert all("scope" in a for t, a in text if t == "th")
    regions = [a for t, a in text if a.get("role") == "region"]
    assert all(a.get("aria-label") for a in regions)
    assert ("a", {"class": "skip", "href": "#answer"}) in text
    ids = [a["id"] for _, a in text if "id" in a]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for t, a in text if t == "a"}
    assert links <= set(ids)


def test_the_answer_the_doubts_and_the_failures_are_there(parsed):
    for part in (
        "oxidised 0.78 V before DME (4.41 against 5.19 V), probability 1.00, but not inside",
        "Verdicts that are withheld",
        "only 24 % of the added electron of [MgPFTB]+ is on the candidate",
        "LUMO (unbound: no real level)",
        "1 job without a result",
        "mgscreen run two-salts.toml",
        "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)//xtb:gfn2",
        "GFN2-xTB",
    ):
        assert part in parsed.text, part


def test_reported_values_stand_beside_ours(parsed):
    assert re.search(r"dual-additive.*-3\.09", parsed.text)


def test_a_campaign_without_any_result_still_has_a_report(tmp_path, published):
    p = published
    database, number = p.build(tmp_path / "empty.db", [], (p.TFSI, p.DME))
    path = write_report(database, number, tmp_path / "report.html")
    database.close()
    text = Page(path.read_text(encoding="utf-8")).text
    assert "No level and no potential was computed yet" in text
    assert "no reduction potential" in text


def test_an_unknown_campaign_writes_nothing(tmp_path, hostile):
    database, _ = hostile
    with pytest.raises(InputError, match="no campaign"):
        write_report(database, "nope", tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
