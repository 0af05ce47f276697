"""The HTML report: one file that needs no network, the answer first, everything behind it below."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgscreen import __version__
from mgscreen.core.errors import MissingEngineError
from mgscreen.ranking.evidence import host_caveats
from mgscreen.ranking.explain import explain_ranked, how
from mgscreen.ranking.render import reference_text, value_text
from mgscreen.ranking.roles import database_candidates, load_evidence, rank_evidence
from mgscreen.report import levels as diagram
from mgscreen.report import methods as about
from mgscreen.report.figures import level_figure
from mgscreen.report.sections import collect_sections, viewer_script

if TYPE_CHECKING:
    import os

    from mgscreen.database.database import Database
    from mgscreen.ranking.evidence import Evidence
    from mgscreen.ranking.explain import Explanation
    from mgscreen.ranking.results import RankedAdditive
    from mgscreen.report.figures import LevelFigure

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    database: Database, campaign: str | int | None, path: str | os.PathLike[str]
) -> Path:
    """Write the report of a campaign, and ``levels.svg`` and ``levels.png`` beside it.

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
    candidates = database_candidates(database, number)
    evidence = load_evidence(database, number)
    ranked = rank_evidence(evidence, candidates)
    order = [*evidence.host, *(r.candidate for r in ranked if r.state != "host")]
    figure = level_figure(evidence, order)
    chart = diagram.draw(figure) if figure.species else None
    static = b""
    if chart is not None:
        svg, _ = diagram.save(chart, target.parent)
        static = svg.read_bytes()
    context = _context(database, number, evidence, ranked)
    context |= _figures(figure, chart, static)
    sections = collect_sections(database, number)
    context["sections"] = sections
    context["caveats"] += sections.caveats
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
        scripts.insert(0, _vega())
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


def _vega() -> str:
    """Return the renderer of the interactive figure, from the installed package."""
    try:
        import altair as alt
        import vl_convert
    except ImportError:
        raise MissingEngineError("vl-convert-python", "report") from None
    wanted = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", wanted))
    return bundle.replace("</script", "<\\/script")


def _figures(figure: LevelFigure, chart: Any, static: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(static).decode()
    return {
        "spec": None if chart is None else chart.to_dict(),
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
    cited = {v.method for values in evidence.by_candidate.values() for v in values}
    hashes = {v.calculation for values in evidence.by_candidate.values() for v in values}
    documents = list(database.find_calculations(sorted(hashes)).values())
    used = about.methods(documents)
    _, path = database.campaign_source(number)
    return {
        "campaign": campaign,
        "campaign_path": path,
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
        "conflicts": _conflicts(explained),
        "explained": explained,
        "comparison": _comparison(database, number),
        "methods": used,
        "citations": about.citations([*(m["level"] for m in used), *sorted(cited)]),
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


def _conflicts(explained: list[Explanation]) -> list[dict[str, Any]]:
    """Return the literature values on which sources disagree, by conflict, each kept apart."""
    found: dict[str, list[str]] = {}
    for one in explained:
        for reference in (*one.references, *(r for item in one.items for r in item.references)):
            if reference.conflict:
                line = f"{reference.system}: {reference_text(reference)}"
                lines = found.setdefault(reference.conflict, [])
                if line not in lines:
                    lines.append(line)
    return [{"name": name, "lines": lines} for name, lines in sorted(found.items())]


def _comparison(database: Database, number: int) -> list[dict[str, Any]]:
    from mgscreen.database.validate import comparison

    names = database_candidates(database, number)["name"].tolist()
    frame = comparison(database, candidates=names, campaign=number)
    return [
        {str(k): (None if v is None or v != v else v) for k, v in row.items()}  # noqa: PLR0124
        for row in frame.astype(object).to_dict("records")
    ]
