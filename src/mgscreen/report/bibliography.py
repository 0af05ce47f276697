"""What a campaign has to cite: the methods that it used, and the data that it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS = Path(__file__).parent / "data" / "methods.bib"
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)
_START = re.compile(r"^@(\w+)\{([^,\s]+),\s*$", re.MULTILINE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ACCENTS = {
    r'{\"o}': "ö", r'{\"u}': "ü", r"{\o}": "ø", r"{\'a}": "á", r"{\'e}": "é", r"{\'o}": "ó",
}  # fmt: skip

BY_LEVEL = (
    (r"(^|\s)xtb:", ("bannwarth-2019",)),
    (r"pyscf:", ("sun-2020",)),
    (r"gaussian:", ("gaussian",)),
    (r":b3lyp", ("becke-1993", "stephens-1994")),
    (r":pbe(?![a-z0-9])", ("perdew-1996",)),
    (r":wb97x(?!-d)", ("chai-2008",)),
    (r":w?b97[xm]-d", ("najibi-2018",)),
    (r"-d3bj", ("grimme-2010", "grimme-2011")),
    (r"-d4", ("caldeweyher-2019",)),
    (r"/6-31", ("hariharan-1973",)),
    (r"/def2-", ("weigend-2005",)),
    (r"/def2-\w*d(?!\w)", ("rappoport-2010",)),
    (r"cpcm", ("cossi-2003", "lange-2010")),
    (r"gpaw:", ("mortensen-2024", "bloechl-1994")),
    (r"vasp:", ("kresse-1996", "bloechl-1994")),
    (r"mlip:chgnet", ("deng-2023",)),
    (r"mlip:(7net|sevenn)", ("park-2024",)),
    (r"mlip:mace", ("batatia-2022",)),
)
"""Entries by what a level's name says."""
BY_KIND = {
    "geometry": ("rdkit", "wang-2020"),
    "redox_vertical": ("peljo-2018", "trasatti-1986", "kelly-2006"),
    "redox_adiabatic": ("peljo-2018", "trasatti-1986", "kelly-2006"),
    "phase_migration": ("hermes-2019", "henkelman-2000", "vineyard-1957", "ong-2013"),
    "stability": ("ong-2008", "richards-2016", "wang-2021", "ong-2013"),
    "alloy": ("aydinol-1997", "ong-2013"),
    "insertion": ("aydinol-1997", "ong-2013"),
    "crystal": ("ong-2013",),
    "slab": ("ong-2013",),
}
"""Entries by the kind of calculation."""
ALWAYS = ("larsen-2017", "rosen-2024", "satyanarayan-2017", "rego-2015")
"""What every campaign and its report are built on."""


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes
    ----------
    key
        As BibTeX has it.
    text
        Authors, journal, volume, page and year in one line.
    doi, url
        Empty where there is none.
    bibtex
        The entry itself.
    """

    key: str
    text: str
    doi: str
    url: str
    bibtex: str


@cache
def library() -> dict[str, Entry]:
    """Return the entries of all methods, by key."""
    text = METHODS.read_text(encoding="utf-8")
    starts = list(_START.finditer(text))
    ends = [m.start() for m in starts[1:]] + [len(text)]
    return {
        m.group(2): _entry(m.group(2), text[m.start() : end].strip())
        for m, end in zip(starts, ends, strict=True)
    }


def _entry(key: str, bibtex: str) -> Entry:
    fields = {name.lower(): value for name, value in _FIELD.findall(bibtex)}
    doi = fields.get("doi", "")
    where = [_plain(fields[k]) for k in ("journal", "booktitle", "howpublished") if k in fields]
    where += [fields["volume"]] if "volume" in fields else []
    where += [fields["pages"].split("--")[0]] if "pages" in fields else []
    line = f"{_names(fields.get('author', ''))}: {_plain(fields['title'])}"
    line += f", {' '.join(where)}" if where else ""
    line += f" ({fields['year']})" if "year" in fields else ""
    url = fields.get("url", "") or (f"https://doi.org/{doi}" if doi else "")
    return Entry(key, line, doi, url, bibtex)


def _plain(text: str) -> str:
    for tex, letter in _ACCENTS.items():
        text = text.replace(tex, letter)
    text = text.replace(r"\omega", "ω").replace("$", "").replace("_2", "2")
    return text.replace("{", "").replace("}", "").replace("--", "-")


def _names(authors: str) -> str:
    people = [_plain(a.strip()).split(",")[0] for a in authors.split(" and ")]
    more = len(people) > 3 or "others" in people  # noqa: PLR2004 - a line, no list
    return f"{people[0]} et al." if more else ", ".join(people)


def of_methods(levels: Iterable[str], kinds: Iterable[str] = ()) -> list[Entry]:
    """Return what is to be cited for levels of theory and kinds of calculation.

    Parameters
    ----------
    levels
        As they are written in a database, with or without ``//`` and the level of the geometry.
    kinds
        Kinds of calculation; see ``BY_KIND``.
    """
    text = " ".join(part for level in levels for part in level.lower().split("//"))
    keys = [k for pattern, found in BY_LEVEL if re.search(pattern, text) for k in found]
    kinds = set(kinds)
    keys += [k for kind, found in BY_KIND.items() if kind in kinds for k in found]
    if "pyscf:" in text and kinds & {"geometry", "redox_adiabatic", "frequencies"}:
        keys.append("wang-2016")
    entries = library()
    return [entries[key] for key in dict.fromkeys([*keys, *ALWAYS])]


def of_sources(names: Iterable[str], sources: Mapping[str, tuple[str, str]]) -> list[Entry]:
    """Return entries for literature values, by the short names of their sources.

    Parameters
    ----------
    names
        Short names, as the column ``source`` has them.
    sources
        Citation and URL of each; see ``mgscreen.database.reference.read_sources``. A name that is
        not among them stands for itself.
    """
    found = []
    for name in dict.fromkeys(names):
        citation, url = sources.get(name, (name, ""))
        doi = _DOI.search(url)
        key = re.sub(r"[^A-Za-z0-9]+", "-", f"data-{name}").strip("-")
        fields = {"title": citation, "url": url, "doi": doi.group() if doi else ""}
        lines = [f"  {k} = {{{escaped(v)}}}," for k, v in fields.items() if v]
        bibtex = "\n".join([f"@misc{{{key},", *lines, "}"])
        found.append(Entry(key, citation, fields["doi"], url, bibtex))
    return found


def escaped(text: str) -> str:
    """Return text for a field of BibTeX: nothing in it can end the field or call a macro.

    BibTeX counts braces even behind a backslash, so they become round brackets.
    """
    clean = " ".join(text.split())
    table = {"\\": r"{\textbackslash}", "{": "(", "}": ")"}
    if "://" not in clean:
        table |= {c: f"\\{c}" for c in "&%$#_"}
    return "".join(table.get(c, c) for c in clean)


def to_bibtex(entries: Iterable[Entry]) -> str:
    """Return the text of a ``.bib`` file."""
    return "\n\n".join(entry.bibtex for entry in entries) + "\n"
