"""From an additive to its film: fragments, their binding to the anode metal, product, its merits.

An SEI former counts only if its product insulates electrons, lets the ion pass and does not
dissolve. The chain is followed with the campaign's own results:

1. the pieces that the reduced species fell into (an ion of one atom is its own piece);
2. the adsorption energy of each on a slab of the anode metal, on the campaign's reference. The
   piece that binds most strongly forms the inner layer, and its film decides;
3. the phases of the convex hull at its composition with the metal in excess; what a computed
   reaction leaves stands beside it;
4. of these phases: gap, barrier of the lowest percolating path, solubility.

``film = prod_i u_i^w_i`` over the criteria of ``[[ranking.film]]``, each a utility between 0 and 1:
one broken link breaks the chain. A link that is not known leaves a range, from ``low`` (it is
broken) to ``high`` (it holds); scores count ``low``, intervals draw from the range, nothing is
filled in.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.ranking.films import LABELS, Link

HOLDS = 0.5
"""A film holds from this value on, in words; the score knows no such line."""
NOT_ASKED = (
    "what becomes of its product is not part of this campaign (sections [stability] and "
    "[migration]): P(SEI) is that of the reduction alone"
)


class FragmentChain(BaseModel):
    """What one fragment does at the anode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fragment: str = Field(description="formula")
    products: tuple[str, ...] = Field(default=(), description="solid phases")
    gases: tuple[str, ...] = ()
    products_by: str = Field(default="", description="level of the hull, or the reaction")
    reason: str = Field(default="", description="why there is no product, or a remark")
    adsorption: Link | None = Field(
        default=None, description="on the anode metal; a criterion only where one is declared"
    )
    links: tuple[Link, ...] = Field(default=(), description="one for each criterion")
    phases: tuple[Link, ...] = Field(default=(), description="the same for each phase alone")
    low: float = 0.0
    high: float = 1.0
    decides: bool = False
    calculations: tuple[str, ...] = ()

    def link(self, name: str) -> Link | None:
        """Return the link of one criterion."""
        return next((one for one in self.links if one.name == name), None)


class FilmChain(BaseModel):
    """The chain from one additive to its film."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    asked: bool = Field(default=True, description="whether the campaign computes films at all")
    low: float = Field(default=0.0, description="with nothing from what is not known")
    high: float = Field(default=1.0, description="with the best that is possible of it")
    source: str = Field(default="", description="where the fragments are from")
    fragments: tuple[FragmentChain, ...] = ()
    reason: str = Field(default="", description="one sentence")
    caveats: tuple[str, ...] = ()
    calculations: tuple[str, ...] = ()

    @property
    def holds(self) -> bool | None:
        """Whether it is a film; None where what is known does not decide."""
        if self.low >= HOLDS:
            return True
        return False if self.high < HOLDS else None

    @property
    def value(self) -> float | None:
        """The value, or the lower bound where there is one; None where nothing narrows it."""
        return None if self.low <= 0.0 < self.high else self.low

    @property
    def deciding(self) -> FragmentChain | None:
        """The fragment whose film decides."""
        return next((one for one in self.fragments if one.decides), None)


def sentence(
    chains: list[FragmentChain], first: FragmentChain | None, low: float, high: float
) -> str:
    """Return how the chain ends, in one sentence: what stands against it, or is not known."""
    if first is None:
        return f"fragments {', '.join(c.fragment for c in chains)}: which forms the film is open"
    way = f"{first.fragment} -> {' + '.join(first.products) or 'no known product'}"
    broken = [one for one in first.links if one.high < HOLDS and one.weight > 0]
    open_ = [one for one in first.links if one.low < one.high and one.weight > 0]
    if broken:
        worst = min(broken, key=lambda one: (one.high, one.name))
        return f"{way}: against it stands '{worst.label}' ({link_text(worst)})"
    if high <= 0.0:
        return f"{way}: {first.reason}"
    if open_:
        told = "; ".join(f"'{one.label}' ({link_text(one)})" for one in open_)
        return f"{way}: not known: {told}"
    weakest = min(first.links, key=lambda one: (one.low, one.name))
    verdict = "holds" if low >= HOLDS else "is weak"
    told = link_text(weakest)
    return f"{way}: the film {verdict} ({low:.2f}), weakest in '{weakest.label}' ({told})"


def link_text(one: Link) -> str:
    """Return a link in words: phase, value with spread and unit, or why it is not known."""
    if one.value is not None and one.name != "stays":
        error = f" ± {one.sd:.2f}" if one.sd else ""
        return f"{one.of} {one.value:.2f}{error} {one.unit}, {one.level}"
    return f"{one.of}: {'; '.join(x for x in (one.text, one.reason) if x)}".removeprefix(": ")


def chain_rows(chain: FilmChain) -> list[dict[str, Any]]:
    """Return the chain as rows, for tables: fragment, link, value, how content, reason."""
    rows: list[dict[str, Any]] = []
    for fragment in chain.fragments:
        product = " + ".join(fragment.products)
        rows.append(
            {
                "fragment": fragment.fragment,
                "decides": fragment.decides,
                "link": "product phase",
                "of": product,
                "value": product or None,
                "low": fragment.low,
                "high": fragment.high,
                "level": fragment.products_by,
                "reason": fragment.reason,
                "calculations": list(fragment.calculations),
            }
        )
        rows += [
            {
                "fragment": fragment.fragment,
                "decides": fragment.decides,
                "link": LABELS.get(one.name, one.label),
                "of": one.of,
                "value": None if one.value is None else f"{one.value:.3g} {one.unit}".strip(),
                "low": one.low,
                "high": one.high,
                "level": one.level,
                "reason": "; ".join(x for x in (one.text, one.reason) if x),
                "calculations": list(one.calculations),
            }
            for one in fragment.links
        ]
    return rows
