"""An explanation on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from mgscreen.ranking.account import Account
    from mgscreen.ranking.chain import FilmChain
    from mgscreen.ranking.evidence import Value
    from mgscreen.ranking.explain import Explanation, Item, Reference
    from mgscreen.ranking.results import RankedAdditive

_SAME = 5e-3
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
        *_chain(ranked.film),
        _values(explanation.items),
        _calculations(explanation.items),
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
    parts += _files(explanation.items)
    parts += [
        Text(""),
        Text(f"Level of the potentials: {explanation.level or 'none'}"),
        Text(f"Scales: {', '.join(explanation.scales)}"),
        Text(f"Host: {', '.join(explanation.host) or 'none'}"),
        Text(explanation.how),
    ]
    return Group(*parts)


def render_account(account: Account) -> Group:
    """Return the account of a pair, coating, phase or fragment as a rich renderable."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = [
        Text(account.headline, style="bold"),
        Text(account.reason),
        Text(""),
        _lines(account),
    ]
    for member in account.members:
        parts += [
            Text(headline(member.ranked, member.of), style="bold"),
            Text(member.ranked.reason),
        ]
        parts += _chain(member.ranked.film)
    parts += [_values(account.items), _calculations(account.items)]
    told = (
        (
            "Literature values without a computed counterpart",
            [reference_text(r) for r in account.references],
        ),
        ("What would change the first place", account.changes),
        ("Caveats", account.caveats),
    )
    for title, lines in told:
        if lines:
            parts += [Text(title, style="bold"), *(Text(f"- {line}") for line in lines)]
    return Group(*parts, *_files(account.items), Text(""), Text(account.how))


def _files(items: tuple[Item, ...]) -> list[Text | Table]:
    from rich.text import Text

    files = [
        f"{item.value.species or item.value.form} {role}: {path}"
        for item in items
        for role, path in item.files.items()
    ]
    lines: list[Text | Table] = [Text(f"- {line}") for line in dict.fromkeys(files)]
    return [Text("Files", style="bold"), *lines] if lines else []


def _lines(account: Account) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Criteria", title_justify="left")
    for name in ("criterion", "value", "level", "utility", "weight", "reported", "why"):
        table.add_column(name, overflow="fold")
    for one in account.lines:
        error = f" ± {one.sd:.2g}" if one.sd else ""
        value = "not known" if one.value is None else f"{one.value:.3g}{error} {one.unit}".strip()
        spread = ", ".join(f"{m} {v:.3g}" for m, v in one.by_level.items())
        level = f"{one.level} ({spread})" if len(one.by_level) > 1 else one.level
        table.add_row(
            Text(one.name.replace("_", " ")),
            Text(value),
            Text(level),
            "" if one.utility is None else f"{one.utility:.2f}",
            "" if one.weight is None else f"{one.weight:g}",
            Text("\n".join(one.reported)),
            Text(one.reason),
        )
    return table


def _chain(chain: FilmChain | None) -> list[Text | Table]:
    """Return the chain from fragments to film; nothing where the campaign computes none."""
    from rich.table import Table
    from rich.text import Text

    from mgscreen.ranking.chain import chain_rows

    if chain is None or not chain.asked:
        return []
    parts: list[Text | Table] = [Text("From fragments to film", style="bold"), Text(chain.reason)]
    if chain.source:
        parts.append(Text(chain.source))
    if not chain.fragments:
        return parts
    table = Table(title="Chain (* the fragment of the inner layer)", title_justify="left")
    for name in ("fragment", "link", "value", "utility", "level", "why", "calculations"):
        table.add_column(name, overflow="fold")
    for row in chain_rows(chain):
        same = abs(row["high"] - row["low"]) < _SAME
        worth = f"{row['low']:.2f}" if same else f"{row['low']:.2f} to {row['high']:.2f}"
        place = f"{row['fragment']}{' *' if row['decides'] else ''}"
        table.add_row(
            Text(place),
            Text(f"{row['link']}, {row['of']}" if row["value"] != row["of"] else row["link"]),
            Text("not known" if row["value"] is None else str(row["value"])),
            worth,
            Text(row["level"]),
            Text(row["reason"]),
            Text("\n".join(h[:12] for h in row["calculations"])),
        )
    parts.append(table)
    return parts


def _calculations(items: tuple[Item, ...]) -> Table:
    """Return what was run for the values that count: program, input, time."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Calculations behind the rank", title_justify="left")
    for name in ("hash", "kind", "program", "level", "structure", "settings", "CPU s"):
        table.add_column(name, overflow="fold")
    seen: set[str] = set()
    for item in items:
        one = item.value
        if not item.used or one.calculation in seen:
            continue
        seen.add(one.calculation)
        settings = ", ".join(f"{k}={v}" for k, v in sorted(item.settings.items()))
        table.add_row(
            Text(one.calculation[:12]),
            Text(item.kind),
            Text(item.code),
            Text(one.method),
            Text(f"{one.species or one.form} {item.structure[:12]}".strip()),
            Text(settings),
            f"{item.cpu_s:.0f}",
        )
    return table


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
