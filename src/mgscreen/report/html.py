"""The HTML report: one file that needs no network, the answer first, everything behind it below."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgscreen import __version__
from mgscreen.core.errors import MissingEngineError
from mgscreen.database.remember import remembering
from mgscreen.ranking.evidence import host_caveats
from mgscreen.ranking.explain import Reference, explain_ranked, how
from mgscreen.ranking.render import reference_text, value_text
from mgscreen.ranking.roles import database_candidates, load_evidence, rank_additives
from mgscreen.report import bibliography, summary
from mgscreen.report import levels as diagram
from mgscreen.report import methods as about
from mgscreen.report.figures import level_figure
from mgscreen.report.scripts import chart_script, unchecked, viewer_script
from mgscreen.report.sections import collect_sections

if TYPE_CHECKING:
    import os

    from mgscreen.database.database import Database
    from mgscreen.ranking.evidence import Evidence
    from mgscreen.ranking.explain import Explanation
    from mgscreen.ranking.results import RankedAdditive
    from mgscreen.report.figures import LevelFigure
    from mgscreen.report.sections import Sections

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    database: Database, campaign: str | int | None, path: str | os.PathLike[str]
) -> Path:
    """Write the report of a campaign, with ``references.bib`` and the level diagram beside it.

    The page is a single file with its figures, styles and scripts inside and a content security
    policy that forbids every network access. All text from files and databases is escaped.

    Parameters
    ----------
    database
        The results database.
    campaign
        Name or id; None where the database holds one only.
    path
        Where the page goes; its folder is made if need be.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    InputError
        If there is no such campaign.
    MissingEngineError
        If altair, vl-convert or Jinja2 is not installed.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = database.campaign_id(campaign)
    with unchecked(), remembering():
        return _write(database, number, target)


def _write(database: Database, number: int, target: Path) -> Path:
    evidence = load_evidence(database, number)
    ranked = rank_additives(database, number)
    order = [*evidence.host, *(r.candidate for r in ranked if r.state != "host")]
    figure = level_figure(evidence, order)
    chart = diagram.draw(figure) if figure.species else None
    static = b""
    spec = None if chart is None else chart.to_dict(validate=False)
    with ThreadPoolExecutor(1) as drawing:
        drawn = None if spec is None else drawing.submit(diagram.save, spec, target.parent)
        sections = collect_sections(database, number, ranked)
        context = _context(database, number, evidence, ranked)
        if drawn is not None:
            static = drawn.result()[0].read_bytes()
    context |= _figures(figure, spec, static)
    context["sections"] = sections
    context["caveats"] += sections.caveats
    context["answers"] = _answers(ranked, evidence.method, sections)
    context["commands"] = _commands(context["campaign"].name, ranked, sections)
    context |= _literature(database, number, context)
    (target.parent / "references.bib").write_text(context["bibtex"], encoding="utf-8")
    target.write_text(render(context), encoding="utf-8")
    return target


def render(context: dict[str, Any]) -> str:
    """Return the page. Scripts are named by their hash in the policy: no other script runs."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingEngineError("Jinja2", "report") from None
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [(_TEMPLATES / "report.js").read_text(encoding="utf-8")]
    sections = context["sections"]
    if sections.structures:
        scripts.insert(0, viewer_script())
    if context["spec"] is not None or sections.charts:
        scripts.insert(0, chart_script())
    hashes = [_hash(script) for script in scripts]
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'none'; "
        "img-src data:; style-src 'unsafe-inline'; "
        f"script-src {' '.join(hashes)}"
    )
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        **context,
        policy=policy,
        # the three are files of this package, not data
        style=Markup(style),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        embed=_embed,
    )


def _embed(data: Any) -> Any:
    """Return JSON for a data block: no character of it can end the block."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _figures(figure: LevelFigure, spec: Any, static: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(static).decode()
    return {
        "spec": spec,
        "static_figure": f"data:image/svg+xml;base64,{encoded}" if static else "",
        "figure": figure,
    }


def _context(
    database: Database, number: int, evidence: Evidence, ranked: list[RankedAdditive]
) -> dict[str, Any]:
    campaign = evidence.campaign
    jobs = database.frame_jobs(number)
    n_ranked = sum(r.rank is not None for r in ranked)
    explained = explain_ranked(database, evidence, ranked, n_ranked)
    hashes = jobs["calculation"].dropna().unique()
    documents = list(database.find_calculations(sorted(map(str, hashes))).values())
    source, path = database.campaign_source(number)
    rows = {row["id"]: row for row in database.campaigns()}
    return {
        "campaign": campaign,
        "campaign_path": path,
        "campaign_source": source,
        "campaign_version": rows[number]["mgscreen_version"],
        "version": __version__,
        "updated": max((str(d["created_at"]) for d in documents), default="")[:16],
        "ranked": ranked,
        "shortlist": [r for r in ranked if r.role in {"SEI former", "CEI former", "both"}][:5],
        "n_ranked": n_ranked,
        "how": how(evidence),
        "scales": evidence.scales.scales,
        "level": evidence.method,
        "caveats": [*host_caveats(evidence), *evidence.caveats],
        "withheld": _withheld(ranked),
        "conflicts": _conflicts(database, number, explained),
        "explained": explained,
        "comparison": _comparison(database, number),
        "methods": about.methods(documents),
        "programs": about.programs(documents),
        "failures": about.failures(jobs),
        "statistics": about.job_statistics(jobs),
        "value_text": value_text,
        "reference_text": reference_text,
        "answer": {True: "yes", False: "no", None: "withheld"},
    }


def _withheld(ranked: list[RankedAdditive]) -> list[dict[str, str]]:
    """Return the criteria of a role that have a value but no answer."""
    return [
        {"candidate": r.candidate, "criterion": c.name, "reason": c.reason}
        for r in ranked
        for c in r.criteria
        if c.holds is None and (c.probability is not None or c.verdict is not None)
    ]


def _conflicts(
    database: Database, number: int, explained: list[Explanation]
) -> list[dict[str, Any]]:
    """Return the literature values on which sources disagree, by conflict, each kept apart."""
    found: dict[str, list[str]] = {}
    beside = [
        reference
        for one in explained
        for reference in (*one.references, *(r for item in one.items for r in item.references))
    ]
    systems = set(database.frame_properties(campaign=number)["candidate"])
    frame = database.frame_references()
    # a conflict about a phase of this campaign is shown with both its sides
    ours = set(frame[frame["system"].isin(systems) & (frame["conflict"] != "")]["conflict"])
    rows = frame[frame["conflict"].isin(ours)]
    beside += [
        Reference(
            **{f: row[f] for f in Reference.model_fields if row[f] is not None and row[f] == row[f]}
        )
        for row in rows.astype(object).to_dict("records")
    ]
    for reference in beside:
        if reference.conflict:
            line = f"{reference.system}: {reference_text(reference)}"
            lines = found.setdefault(reference.conflict, [])
            if line not in lines:
                lines.append(line)
    return [{"name": name, "lines": lines} for name, lines in sorted(found.items())]


def _answers(ranked: list[RankedAdditive], level: str, sections: Sections) -> list[dict[str, Any]]:
    """Return the answers of all parts that the campaign has, each in one sentence."""
    found = summary.of_additives(ranked, level)
    makers: dict[str, Any] = {
        "pairs": lambda part: summary.of_pairs(part["ranked"], level),
        "coatings": lambda part: summary.of_coatings(
            [r for group in part["groups"] for r in group["rows"]]
        ),
        "migration": lambda part: summary.of_phases(part["ranked"]),
        "adsorption": lambda part: summary.of_fragments(
            [r for table in part["rankings"] for r in table["rows"]]
        ),
    }
    for part in sections.parts:
        if part["anchor"] in makers:
            found += makers[part["anchor"]](part)
    return summary.as_rows(found)


def _commands(name: str, ranked: list[RankedAdditive], sections: Sections) -> list[str]:
    """Return the commands that give every table of the page again."""
    quoted = shlex.quote(name)
    lines = [f"mgscreen rank additives {quoted}"] if ranked else []
    lines += [f"{line} {quoted}" for part in sections.parts for line in part["commands"]]
    if ranked:
        first = shlex.quote(ranked[0].candidate)
        lines.append(f"mgscreen explain {first} --campaign {quoted}")
    return [
        *lines,
        f"mgscreen report {quoted}",
        f"mgscreen export results {quoted} --format rocrate",
    ]


def _literature(database: Database, number: int, context: dict[str, Any]) -> dict[str, Any]:
    """Return the citations of what this campaign used and is held against, and their BibTeX."""
    from mgscreen.database.reference import read_sources

    frame = database.frame_properties(campaign=number)
    levels = {*(m["level"] for m in context["methods"]), *frame["method"]}
    used = bibliography.of_methods(levels, (m["kind"] for m in context["methods"]))
    references = database.frame_references()
    systems = {*frame["candidate"], *database_candidates(database, number)["name"]}
    ours = references["system"].isin(systems) | references["candidate"].isin(systems)
    names = [str(row["source"]) for row in context["comparison"]]
    names += [str(s) for s in references[ours]["source"]]
    data = bibliography.of_sources(dict.fromkeys(names), read_sources())
    return {
        "citations": used,
        "data_citations": data,
        "bibtex": bibliography.to_bibtex([*used, *data]),
    }


def _comparison(database: Database, number: int) -> list[dict[str, Any]]:
    from mgscreen.database.validate import comparison

    names = database_candidates(database, number)["name"].tolist()
    frame = comparison(database, candidates=names, campaign=number)
    return [
        {str(k): (None if v is None or v != v else v) for k, v in row.items()}  # noqa: PLR0124
        for row in frame.astype(object).to_dict("records")
    ]
