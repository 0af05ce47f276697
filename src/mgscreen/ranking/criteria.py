"""Answers to the questions that a role is made of, each with its reason.

What the evidence cannot decide is None ("withheld"), never False: an electron that lands on the
metal ion says nothing about the additive, so it grants no role and denies none. That no bond breaks
in an adiabatic reduction is a remark and no veto: a minimisation stops at a barrier that a
reaction at room temperature crosses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgscreen.energetics.scales import oxidised_in_window, reduced_at_anode
from mgscreen.ranking.results import Criterion, Margin

if TYPE_CHECKING:
    from mgscreen.ranking.chain import FilmChain
    from mgscreen.ranking.evidence import Evidence, HostLimit, Offer, Potential, Side, Value

SURE = 0.9
"""Probability from which "before the host" is granted; from 1 - SURE downwards it is denied."""
REDUCED_FIRST = "reduced before the host"
ELECTRON_HERE = "the added electron is on the candidate"
AT_ANODE = "reduced at the anode"
OXIDISED_FIRST = "oxidised before the host"
IN_WINDOW = "oxidised inside the cathode's window"
BOND_BREAKS = "a bond breaks on reduction"
FILM_HOLDS = "its film insulates, lets the ion pass and stays"
SEI_CRITERIA = (REDUCED_FIRST, ELECTRON_HERE, AT_ANODE, FILM_HOLDS)


@dataclass(frozen=True)
class ReductionChance:
    """Probabilities of the reduction's criteria; None where a value is missing."""

    at_anode: float | None
    on_candidate: float | None


@dataclass
class JudgedSide:
    """One side of one candidate, between the evidence and the role."""

    side: Side
    offer: Offer
    kind: Potential | None = None
    value: Value | None = None
    potential_v: float | None = None
    sd: float | None = None
    limit: HostLimit | None = None
    missing: str = ""
    fraction: float | None = None
    probability: float | None = None
    caveats: tuple[str, ...] = ()

    @property
    def margin_v(self) -> float | None:
        """How much earlier than the host the candidate reacts, V."""
        if self.potential_v is None or self.limit is None:
            return None
        difference = self.potential_v - self.limit.potential_v
        return difference if self.side == "reduction" else -difference


def judge_side(
    evidence: Evidence,
    name: str,
    side: Side,
    limits: dict[tuple[Side, Potential], HostLimit | None],
) -> JudgedSide:
    """Choose the potential of a candidate and the host's limit of the same kind."""
    offer = evidence.offer(name, side)
    judged = JudgedSide(side=side, offer=offer, missing=offer.missing, caveats=offer.notes)
    if offer.missing:
        return judged
    kinds = [k for k in evidence.kinds() if k in offer.values]
    alike = [k for k in kinds if (at := limits[side, k]) is not None and not at.mixed]
    kind = (alike or kinds)[0]
    judged.kind, judged.value = kind, offer.values[kind]
    judged.potential_v, judged.sd = evidence.potential(judged.value), evidence.sd(judged.value)
    judged.limit = limits[side, kind]
    remarks = []
    if kind != evidence.kinds()[0]:
        remarks.append(f"the {kind} {side} potential stands in for the {evidence.kinds()[0]} one")
    if judged.limit is None:
        judged.missing = f"no member of the host has a {side} potential to compare with"
    elif judged.limit.mixed:
        remarks.append(
            f"the {kind} {side} potential is compared with a host of which some potentials are of "
            "the other kind"
        )
    if side == "reduction":
        judged.fraction, why = _fraction(offer)
        if why:
            judged.missing = judged.missing or why
    judged.caveats = (*judged.caveats, *remarks)
    return judged


def _fraction(offer: Offer) -> tuple[float | None, str]:
    """Return the fraction of the added electron on the candidate, or why it is not known."""
    if offer.alone:
        return 1.0, ""
    found = offer.fraction
    if found is None:
        return None, f"where the electron lands in the {offer.form} was not computed"
    if not found.usable():
        return None, f"where the electron lands in the {offer.form} is not known: {found.reason}"
    return found.value, ""


def reduction_criteria(
    evidence: Evidence, red: JudgedSide, chance: ReductionChance
) -> list[Criterion]:
    """Return the criteria of an SEI former."""
    first = _before_host(REDUCED_FIRST, red)
    if red.offer.missing:
        rest = [(ELECTRON_HERE, red.offer.missing), (AT_ANODE, red.offer.missing)]
        return [first, *(Criterion(name=n, holds=None, reason=r) for n, r in rest)]
    return [first, _electron(red, chance), _anode(evidence, red, chance), *_bonds(red)]


def _electron(red: JudgedSide, chance: ReductionChance) -> Criterion:
    if red.fraction is None:
        _, why = _fraction(red.offer)
        return Criterion(name=ELECTRON_HERE, holds=None, reason=why)
    probability = chance.on_candidate
    if red.offer.alone:
        reason = f"there is no metal ion in the {red.offer.form} that could take it"
    else:
        species = red.value.species if red.value is not None else ""
        share = f"{100 * red.fraction:.0f} % of the added electron"
        place = f"of {species or red.offer.form}"
        if red.fraction > 0.5:  # noqa: PLR2004 - more than half
            reason = f"{share} {place} is on the candidate"
        else:
            reason = (
                f"only {share} {place} is on the candidate: it goes to the metal ion or the "
                "solvent, which is no reduction of the additive"
            )
    # an electron elsewhere says nothing about the additive: withheld, not denied
    holds = True if red.fraction > 0.5 else None  # noqa: PLR2004
    return Criterion(name=ELECTRON_HERE, holds=holds, probability=probability, reason=reason)


def _anode(evidence: Evidence, red: JudgedSide, chance: ReductionChance) -> Criterion:
    assert red.value is not None  # noqa: S101 - the offer is not missing
    verdict = reduced_at_anode(evidence.absolute(red.value), evidence.scales, uncertainty=red.sd)
    return Criterion(
        name=AT_ANODE,
        holds=verdict.holds,
        probability=chance.at_anode,
        reason=f"{verdict.claim}: {verdict.reason}",
        verdict=verdict,
    )


def _bonds(red: JudgedSide) -> list[Criterion]:
    bonds = red.offer.bonds
    if bonds is None or bonds.text is None:
        return []
    broken = bonds.text not in {"", "none"}
    reason = (
        f"{bonds.text} breaks"
        if broken
        else "none found: the relaxation stopped before one, or the reduction leaves no film"
    )
    return [Criterion(name=BOND_BREAKS, holds=broken, reason=reason, counts=False)]


def film_criterion(chain: FilmChain) -> Criterion:
    """Return the criterion of the film; beside the role where the campaign computes none."""
    return Criterion(
        name=FILM_HOLDS,
        holds=chain.holds if chain.asked else None,
        probability=chain.value if chain.asked else None,
        reason=chain.reason,
        counts=chain.asked,
    )


def oxidation_criteria(evidence: Evidence, ox: JudgedSide) -> list[Criterion]:
    """Return the criterion of a CEI former, and whether the cathode reaches the potential."""
    criteria = [_before_host(OXIDISED_FIRST, ox)]
    if ox.value is None:
        criteria.append(
            Criterion(name=IN_WINDOW, holds=None, reason=ox.offer.missing, counts=False)
        )
        return criteria
    low, high = evidence.campaign.cathode.window
    absolute = evidence.absolute(ox.value)
    for top in (high, *(v for v in evidence.campaign.cathode.leakage if v != high)):
        verdict = oxidised_in_window(
            absolute, (min(low, top), top), evidence.scales, uncertainty=ox.sd
        )
        name = IN_WINDOW if top == high else f"oxidised at the leakage hold of {top:g} V"
        criteria.append(
            Criterion(
                name=name,
                holds=verdict.holds,
                reason=f"{verdict.claim}: {verdict.reason}",
                counts=False,
                verdict=verdict,
            )
        )
    return criteria


def _before_host(name: str, side: JudgedSide) -> Criterion:
    margin, limit = side.margin_v, side.limit
    if margin is None or limit is None or side.probability is None:
        return Criterion(name=name, holds=None, reason=side.missing)
    when = "before" if margin >= 0 else "after"
    reason = (
        f"{abs(margin):.2f} V {when} {limit.value.species or limit.value.candidate} "
        f"({side.potential_v:.2f} against {limit.potential_v:.2f} V), "
        f"probability {side.probability:.2f}"
    )
    holds = _sure(side.probability)
    if holds is None:
        reason += ": too close to call"
    return Criterion(name=name, holds=holds, probability=side.probability, reason=reason)


def _sure(probability: float) -> bool | None:
    if probability >= SURE:
        return True
    return False if probability <= 1.0 - SURE else None


def margin_of(side: JudgedSide) -> Margin | None:
    """Return the potential beside the host's, or None where one is missing."""
    if (
        side.limit is None
        or side.value is None
        or side.kind is None
        or side.potential_v is None
        or side.sd is None
        or side.margin_v is None
        or side.probability is None
    ):
        return None
    return Margin(
        side=side.side,
        potential_v=side.potential_v,
        potential_sd=side.sd,
        kind=side.kind,
        host=side.limit.value.candidate,
        host_v=side.limit.potential_v,
        host_sd=side.limit.sd,
        host_kind=side.limit.value.property.rsplit("_", 1)[-1],
        margin_v=side.margin_v,
        probability=side.probability,
        note=side.value.note,
    )
