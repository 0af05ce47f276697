"""The energy-level alignment diagram: levels and potentials of every species on each scale."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError
from mgscreen.report.drawing import draw_apart
from mgscreen.report.figures import ELSEWHERE, HERE, UNKNOWN, level_figure

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.database.database import Database
    from mgscreen.report.figures import LevelFigure

# Okabe and Ito's palette: told apart by colour-blind readers, and legible on white and on black
BLUE, ORANGE, GREEN, GREY = "#0b7ec2", "#d55e00", "#009e73", "#7d7d7d"
SCALE_PARAMETER = "energy_scale"
MOST_SPECIES = 120
"""More are not drawn: nobody reads them, and an image has limits."""
_STEP = 62
_SQUEEZED = 30
_MANY = 24


def level_diagram(database: Database, campaign: str | int | None = None) -> Any:
    """Return the diagram of a campaign, an ``altair.VConcatChart``.

    Above: HOMO and LUMO of every species in the gas phase (eV vs vacuum), the anode's Fermi level
    on each scale, the cathode's window on the chosen one. A LUMO that is no bound state is drawn
    hollow. Below: oxidation and reduction potentials (V vs the metal) on each scale, 0 V and the
    cathode's window; hollow where the added electron is not on the candidate.

    Raises
    ------
    InputError
        If there is no such campaign.
    MissingEngineError
        If altair is not installed.
    """
    from mgscreen.ranking.roles import database_candidates, load_evidence, rank_evidence

    evidence = load_evidence(database, campaign)
    ranked = rank_evidence(evidence, database_candidates(database, campaign))
    order = [*evidence.host, *(r.candidate for r in ranked if r.state != "host")]
    return draw(level_figure(evidence, order))


def draw(figure: LevelFigure) -> Any:
    """Return the chart of a figure's numbers; of very many species, the first ones."""
    alt = _altair()
    figure = _shortened(figure)
    chosen = alt.param(
        name=SCALE_PARAMETER,
        value=figure.scales[0],
        bind=alt.binding_radio(options=figure.scales, name="Energy scale: "),
    )
    step = _STEP if len(figure.species) <= _MANY else _SQUEEZED
    width = max(560, step * len(figure.species))
    above = _level_panel(alt, figure, width) if figure.levels else None
    panels = [above, _potential_panel(alt, figure, width)]
    chart = (
        alt.vconcat(*[p for p in panels if p is not None], spacing=28)
        .add_params(chosen)
        .resolve_scale(color="independent")
    )
    # the layers name their data, which stand once in the chart: each layer would copy them
    holds = [{"v": v, "label": f"leakage hold, {v:g} V"} for v in figure.leakage]
    chart.datasets = {
        "levels": figure.levels,
        "potentials": figure.potentials,
        "fermi": figure.fermi,
        "windows": figure.window,
        "first_window": figure.window[:1],
        "zero": [{"v": 0.0, "label": f"{figure.couple}, 0 V"}],
        "holds": holds,
    }
    return chart


def _shortened(figure: LevelFigure) -> LevelFigure:
    """Keep the species that a figure has room for: the host, then the best ranked."""
    shown = figure.species[:MOST_SPECIES]
    rest = len(figure.species) - len(shown)
    if rest == 0:
        return figure
    keep = set(shown)
    return replace(
        figure,
        species=shown,
        levels=[row for row in figure.levels if row["species"] in keep],
        potentials=[row for row in figure.potentials if row["species"] in keep],
        left_out=(*figure.left_out, f"{rest} species of lower rank are not drawn"),
    )


def save(spec: dict[str, Any], folder: Path, stem: str = "levels") -> list[Path]:
    """Write a Vega-Lite specification as SVG and PNG; fonts and renderer are in the package.

    Returns
    -------
    list of pathlib.Path
        The SVG, then the PNG, drawn from it.

    Raises
    ------
    MissingEngineError
        If altair or vl-convert is not installed.
    InfrastructureError
        If it cannot be drawn.
    """
    alt = _altair()
    if find_spec("vl_convert") is None:
        raise MissingEngineError("vl-convert-python", "report")
    wanted = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    config = {**spec.get("config", {}), "background": "white"}
    paths = [folder / f"{stem}.svg", folder / f"{stem}.png"]
    draw_apart({**spec, "config": config}, wanted, *paths)
    return paths


def _altair() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    return alt


def _x(alt: Any, figure: LevelFigure) -> Any:
    axis = alt.Axis(labelAngle=-40, labelLimit=160, title=None)
    # one domain for both panels, so that a species stands in one column
    scale = alt.Scale(domain=figure.species, padding=0.2)
    return alt.X("species:N", axis=axis, scale=scale)


def _level_panel(alt: Any, figure: LevelFigure, width: int) -> Any:
    chosen = f"datum.scale === {SCALE_PARAMETER}"
    window = alt.Chart(alt.NamedData("windows"))
    band = (
        window.transform_filter(chosen)
        .mark_rect(color=GREEN, opacity=0.18)
        .encode(
            y=alt.Y("low:Q"),
            y2=alt.Y2("high:Q"),
            tooltip=[alt.Tooltip("label:N", title="cathode"), alt.Tooltip("scale:N")],
        )
    )
    named = (
        window.transform_filter(chosen)
        .mark_text(align="left", baseline="bottom", dx=4, dy=-2, color=GREEN, fontSize=11)
        .encode(y=alt.Y("low:Q"), x=alt.XValue(0), text=alt.Text("label:N"))
    )
    fermi = alt.Chart(alt.NamedData("fermi"))
    emphasis = alt.when(chosen)
    line = fermi.mark_rule(color=GREY).encode(
        y=alt.Y("energy:Q"),
        strokeWidth=emphasis.then(alt.value(2)).otherwise(alt.value(1)),
        strokeDash=emphasis.then(alt.value([1, 0])).otherwise(alt.value([4, 3])),
        tooltip=[
            alt.Tooltip("label:N"),
            alt.Tooltip("energy:Q", title="eV vs vacuum", format=".2f"),
        ],
    )
    name = fermi.mark_text(align="left", dx=5, fontSize=11, color=GREY).encode(
        y=alt.Y("label_at:Q"), x=alt.XValue(width), text="label:N"
    )
    base = alt.Chart(alt.NamedData("levels"))
    color = alt.Color(
        "orbital:N",
        scale=alt.Scale(domain=["HOMO", "LUMO"], range=[BLUE, ORANGE]),
        legend=alt.Legend(title="Level", orient="top"),
    )
    y = alt.Y("energy:Q", title="Level, eV vs vacuum (gas phase)", scale=alt.Scale(nice=True))
    tooltip = [
        "species:N",
        alt.Tooltip("label:N", title="level"),
        alt.Tooltip("energy:Q", title="eV vs vacuum", format=".2f"),
    ]
    ticks = (
        base.transform_filter("!datum.unbound")
        .mark_tick(thickness=4, size=26, opacity=1)
        .encode(x=_x(alt, figure), y=y, color=color, tooltip=tooltip)
    )
    hollow = base.transform_filter("datum.unbound")
    unbound = hollow.mark_point(
        shape="square", filled=False, size=90, strokeDash=[2, 2], opacity=1
    ).encode(x=_x(alt, figure), y=y, color=color, tooltip=tooltip)
    text = hollow.mark_text(dy=-12, fontSize=10, color=GREY).encode(
        x=_x(alt, figure), y=y, text=alt.TextValue("unbound")
    )
    behind = [band, named] if figure.window else []
    marks = [ticks] if any(not row["unbound"] for row in figure.levels) else []
    if any(row["unbound"] for row in figure.levels):
        marks += [unbound, text]
    return alt.layer(*behind, line, *marks, name).properties(
        width=width,
        height=320,
        title=alt.Title(
            "Frontier levels and the electrodes", anchor="start", subtitle=_subtitle(figure)
        ),
    )


def _subtitle(figure: LevelFigure) -> list[str]:
    lines = [f"{figure.method or 'no level was computed'}, gas phase", *figure.left_out]
    if any(row["unbound"] for row in figure.levels):
        lines.append("hollow: an unbound LUMO is an artefact of the finite basis, no real level")
    return lines


def _potential_panel(alt: Any, figure: LevelFigure, width: int) -> Any:
    if not figure.potentials:
        return None
    chosen = f"datum.scale === {SCALE_PARAMETER}"
    first = alt.Chart(alt.NamedData("first_window"))
    band = first.mark_rect(color=GREEN, opacity=0.18).encode(
        y=alt.Y("low_v:Q"), y2=alt.Y2("high_v:Q"), tooltip=[alt.Tooltip("label:N", title="cathode")]
    )
    named = first.mark_text(
        align="left", baseline="top", dx=4, dy=3, color=GREEN, fontSize=11
    ).encode(y=alt.Y("low_v:Q"), x=alt.XValue(0), text=alt.Text("label:N"))
    zero = alt.Chart(alt.NamedData("zero"))
    anode = zero.mark_rule(color=GREY, strokeWidth=2).encode(y=alt.Y("v:Q"))
    anode_name = zero.mark_text(align="left", dx=5, fontSize=11, color=GREY).encode(
        y=alt.Y("v:Q"), x=alt.XValue(width), text="label:N"
    )
    leakage = (
        alt.Chart(alt.NamedData("holds"))
        .mark_rule(color=GREEN, strokeDash=[4, 3])
        .encode(y=alt.Y("v:Q"), tooltip=[alt.Tooltip("label:N")])
    )
    base = alt.Chart(alt.NamedData("potentials"))
    color = alt.Color(
        "side:N",
        scale=alt.Scale(domain=["oxidation", "reduction"], range=[BLUE, ORANGE]),
        legend=alt.Legend(title="Potential", orient="top", symbolType="circle"),
    )
    shape = alt.Shape(
        "side:N",
        scale=alt.Scale(domain=["oxidation", "reduction"], range=["triangle-up", "triangle-down"]),
        legend=None,
    )
    y = alt.Y("potential:Q", title=f"Potential, V vs {figure.couple}")
    tooltip = [
        "species:N",
        "side:N",
        "kind:N",
        alt.Tooltip("potential:Q", title=f"V vs {figure.couple}", format=".2f"),
        "scale:N",
        alt.Tooltip("electron:N", title="the electron is"),
    ]
    faint = alt.when(chosen).then(alt.value(1.0)).otherwise(alt.value(0.25))
    error = (
        base.transform_filter(chosen)
        .mark_rule(strokeWidth=1.2)
        .encode(x=_x(alt, figure), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=color)
    )
    layers = [
        base.transform_filter(alt.FieldOneOfPredicate(field="electron", oneOf=where))
        .mark_point(filled=filled, size=90, strokeWidth=1.6)
        .encode(x=_x(alt, figure), y=y, color=color, shape=shape, opacity=faint, tooltip=tooltip)
        for filled, where in ((True, [HERE]), (False, [ELSEWHERE, UNKNOWN]))
        if any(row["electron"] in where for row in figure.potentials)
    ]
    subtitle = [
        f"{figure.potential_method}; bars: one standard deviation; faint: the other scales",
        "hollow: the added electron is not on the candidate (or it is not known where it is)",
        "a work function is no reference for these: none is emphasised on that scale",
    ]
    behind = [band, named] if figure.window else []
    if figure.leakage:
        behind.append(leakage)
    return alt.layer(*behind, anode, error, *layers, anode_name).properties(
        width=width,
        height=280,
        title=alt.Title(
            "Oxidation and reduction potentials in solution", anchor="start", subtitle=subtitle
        ),
    )
