"""An explanation on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from mgscreen.ranking.evidence import Value
    from mgscreen.ranking.explain import Explanation, Item, Reference
    from mgscreen.ranking.results import RankedAdditive

_ANSWER = {True: "yes", False: "no", None: "withheld"}


def render(explanation: Explanation) -> Group:
    """Return an explanation as a rich renderable.

    Everything that comes from a file or a database goes in as plain text, never as markup.
    """
    from rich.console import Group
    from rich.text import Text

    ranked = explanation.ranked
    parts: list[Text | Table] = [
        Text(headline(ranked, explanation.of), style="bold"),
        Text(ranked.reason),
        Text(""),
        _criteria(ranked),
        _values(explanation.items),
    ]
    if explanation.references:
        parts.append(Text("Literature values without a computed counterpart", style="bold"))
        parts += [Text(f"- {reference_text(r)}") for r in explanation.references]
    notes = [
        f"{item.value.species or item.value.form} {item.value.property}: {w}"
        for item in explanation.items
        if item.used
        for w in (*item.warnings, *(f"recovered by {r}" for r in item.recovery))
    ]
    caveats = [*explanation.caveats, *dict.fromkeys(notes)]
    if caveats:
        parts += [Text("Caveats", style="bold"), *(Text(f"- {c}") for c in caveats)]
    files = [
        f"{item.value.species or item.value.form} {role}: {path}"
        for item in explanation.items
        for role, path in item.files.items()
    ]
    if files:
        parts.append(Text("Files", style="bold"))
        parts += [Text(f"- {line}") for line in dict.fromkeys(files)]
    parts += [
        Text(""),
        Text(f"Level of the potentials: {explanation.level or 'none'}"),
        Text(f"Scales: {', '.join(explanation.scales)}"),
        Text(f"Host: {', '.join(explanation.host) or 'none'}"),
        Text(explanation.how),
    ]
    return Group(*parts)


def headline(ranked: RankedAdditive, of: int) -> str:
    """Return rank, role and score in one line."""
    if ranked.rank is None:
        return f"{ranked.candidate}: {ranked.role}, not ranked ({ranked.state})"
    span = f"{ranked.rank_low}-{ranked.rank_high}"
    score = "" if ranked.score is None else f", score {ranked.score:.3f}"
    bound = " (a lower bound: one side is missing)" if ranked.state == "partial" else ""
    return (
        f"{ranked.candidate}: {ranked.role}, rank {ranked.rank} of {of} (90 %: {span})"
        f"{score}{bound}"
    )


def value_text(value: Value) -> str:
    """Return a value with its error and unit, or why there is none."""
    if value.state != "completed":
        return f"{value.state}: {value.reason}"
    if value.value is None:
        return value.text or "no value"
    error = "" if value.uncertainty is None else f" ± {value.uncertainty:.3g}"
    unit = "" if value.unit in {"", "1"} else f" {value.unit}"
    remark = f" ({value.text})" if value.text else ""
    return f"{value.value:.4g}{error}{unit}{remark}"


def reference_text(reference: Reference) -> str:
    """Return a literature value with its source, place and conditions."""
    number = reference.text or "no value"
    if reference.value is not None:
        unit = "" if reference.unit in {"", "1"} else f" {reference.unit}"
        number = f"{reference.value:g}{unit}"
    where = ", ".join(x for x in (reference.source, reference.place) if x)
    more = "; ".join(
        x
        for x in (
            reference.conditions,
            reference.note,
            f"conflict: {reference.conflict}" if reference.conflict else "",
        )
        if x
    )
    return f"{reference.property} {number} ({where}{'; ' + more if more else ''})"


def _criteria(ranked: RankedAdditive) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Criteria", title_justify="left")
    for name in ("question", "answer", "P", "why"):
        table.add_column(name)
    for c in ranked.criteria:
        chance = "" if c.probability is None else f"{c.probability:.2f}"
        label = c.name if c.counts else f"{c.name} (beside the role)"
        table.add_row(Text(label), _ANSWER[c.holds], chance, Text(c.reason))
    return table


def _values(items: tuple[Item, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Values (* the rank depends on it)", title_justify="left")
    for name in ("", "species", "property", "value", "method", "reference", "reported", "hash"):
        table.add_column(name, overflow="fold")
    for item in items:
        v = item.value
        table.add_row(
            "*" if item.used else "",
            Text(v.species or v.form),
            Text(v.property),
            Text(value_text(v)),
            Text(f"{v.method}, {v.environment}" if v.environment else v.method),
            Text(v.reference),
            Text("\n".join(reference_text(r) for r in item.references)),
            Text(v.calculation[:12]),
        )
    return table
