"""Draw the DAG of a campaign: Mermaid text, or SVG with matplotlib."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = {
    "geometry": "#4c78a8",
    "frequencies": "#72b7b2",
    "orbitals": "#f58518",
    "esp": "#eeca3b",
    "binding": "#b279a2",
    "redox_vertical": "#e45756",
    "redox_adiabatic": "#9d3039",
}
_OTHER = "#79706e"


@dataclass(frozen=True)
class Node:
    """One job of the DAG."""

    uuid: str
    kind: str
    species: str
    label: str
    parents: tuple[str, ...]
    done: bool = False


def mermaid(nodes: Sequence[Node]) -> str:
    """Write the DAG as a Mermaid flowchart.

    Every text stands in quotes, with what Mermaid or HTML would act on as entities: jobflow's own
    writer leaves them bare, and ``[MgTFSI]+`` is then a syntax error.
    """
    names = {node.uuid: f"n{n}" for n, node in enumerate(nodes)}
    lines = ["flowchart LR"]
    lines += [f'    {names[n.uuid]}["{_entities(n.label)}"]:::{_identifier(n)}' for n in nodes]
    for node in nodes:
        lines += [f"    {names[p]} --> {names[node.uuid]}" for p in node.parents if p in names]
    for kind in dict.fromkeys(node.kind for node in nodes):
        colour = _COLOURS.get(kind, _OTHER)
        for done in (False, True):
            chosen = [node for node in nodes if node.kind == kind and node.done is done]
            if chosen:
                dash = "" if done else ",stroke-dasharray:4 3"
                lines.append(
                    f"    classDef {_identifier(chosen[0])} fill:{colour}33,stroke:{colour}{dash}"
                )
    return "\n".join(lines) + "\n"


def svg(nodes: Sequence[Node], title: str) -> str:
    """Draw the DAG as SVG: a row per species, a column per generation; done jobs are filled."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    places = layout(nodes)
    width = 3.0 * (1 + max((x for x, _ in places.values()), default=0)) + 0.4
    height = 0.42 * (1 + max((y for _, y in places.values()), default=0)) + 0.9
    # ids in the file would otherwise be random; "none" writes text as text, searchable
    with mpl.rc_context({"svg.hashsalt": "mgscreen", "svg.fonttype": "none"}):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-0.1, width / 3.0)
        axes.set_ylim(height / 0.42 - 1.4, -1.4)
        axes.text(0, -0.9, _text(title), fontsize=11, weight="bold", va="center")
        for node in nodes:
            x, y = places[node.uuid]
            for parent in node.parents:
                if parent in places:
                    x0, y0 = places[parent]
                    axes.annotate(
                        "",
                        xy=(x, y),
                        xytext=(x0 + 0.82, y0),
                        arrowprops={"arrowstyle": "-|>", "color": "#888888", "linewidth": 0.6},
                    )
            colour = _COLOURS.get(node.kind, _OTHER)
            axes.add_patch(
                FancyBboxPatch(
                    (x, y - 0.3),
                    0.82,
                    0.6,
                    boxstyle="round,pad=0,rounding_size=0.05",
                    facecolor=colour + ("66" if node.done else "1a"),
                    edgecolor=colour,
                    linewidth=0.8,
                )
            )
            axes.text(x + 0.41, y, _text(node.label), fontsize=7, ha="center", va="center")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "mgscreen"})
    return buffer.getvalue()


def layout(nodes: Sequence[Node]) -> dict[str, tuple[int, int]]:
    """Return column (generation) and row of each job; no two share a place."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(node.uuid for node in nodes)
    known = set(graph)
    graph.add_edges_from((p, n.uuid) for n in nodes for p in n.parents if p in known)
    column = {u: x for x, layer in enumerate(nx.topological_generations(graph)) for u in layer}
    rows: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        rows[node.species].append(node)
    places: dict[str, tuple[int, int]] = {}
    top = 0
    for members in rows.values():
        taken: dict[int, int] = defaultdict(int)
        for node in members:
            x = column[node.uuid]
            places[node.uuid] = (x, top + taken[x])
            taken[x] += 1
        top += max(taken.values())
    return places


def _identifier(node: Node) -> str:
    kind = "".join(c if c.isalnum() else "_" for c in node.kind) or "job"
    return f"{kind}_{'done' if node.done else 'open'}"


def _entities(text: str) -> str:
    """Write everything but plain letters, digits and a few signs as numbered entities."""
    return "".join(c if c.isalnum() or c in " +-.,()" else f"#{ord(c)};" for c in text)


def _text(text: str) -> str:
    """Keep matplotlib from reading mathematics into a text."""
    return text.replace("$", r"\$")
