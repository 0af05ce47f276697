"""What the ranking stands on: which computed values of a candidate and of the host are used.

Nothing is imputed and nothing is averaged. Where several values could serve, the order is fixed:

- values of one level of theory only (the campaign's own, else the one that most values have), as
  potentials of two levels have different errors and their difference means nothing;
- an anion is reduced as the metal's ion pair, with the metal's shell filled by solvent if that was
  computed, else the bare contact pair, else the neutral salt; it is oxidised as the free ion. A
  neutral molecule or a cation is judged by itself;
- the adiabatic potential or the vertical one as the campaign says, the other as a labelled
  fallback; candidate and host are compared with the same kind wherever both have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError
from mgscreen.energetics.electrodes import electrode
from mgscreen.energetics.scales import scales_for, she_scale

if TYPE_CHECKING:
    from mgscreen.campaign.models import Campaign
    from mgscreen.energetics.scales import Scale, ScaleSet
    from mgscreen.ranking.calibration import Calibration
    from mgscreen.ranking.chain import FilmChain

Side = Literal["reduction", "oxidation"]
Potential = Literal["adiabatic", "vertical"]
SIDES: tuple[Side, Side] = ("reduction", "oxidation")
_PAIRED = ("solvated-contact-ion-pair", "contact-ion-pair", "salt")
POTENTIALS = tuple(f"{s}_potential_{k}" for s in SIDES for k in ("adiabatic", "vertical"))


class Value(BaseModel):
    """One property row, as it was used (or why it could not be)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: str
    candidate: str
    form: str = ""
    species: str = ""
    value: float | None = None
    text: str | None = None
    unit: str = ""
    uncertainty: float | None = None
    environment: str = ""
    reference: str = ""
    method: str = ""
    state: str = "completed"
    reason: str = ""
    calculation: str = ""
    note: str = Field(default="", description="what the value is: 'reductive cleavage', a fallback")

    def usable(self) -> bool:
        """Whether there is a number."""
        return self.state == "completed" and self.value is not None


class HostMember(BaseModel):
    """The potential of one member of the host electrolyte and whether it can be a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    side: Side
    value: Value | None
    potential_v: float | None = Field(description="V vs the metal on the first scale")
    reason: str = Field(default="", description="why it is no limit")


@dataclass(frozen=True)
class Offer:
    """What a candidate brings for one side."""

    form: str = ""
    values: dict[Potential, Value] = field(default_factory=dict)
    fraction: Value | None = None
    """where the electron lands; None where there is no metal ion that could take it, or no value"""
    alone: bool = True
    """no metal ion in the species"""
    bonds: Value | None = None
    missing: str = ""
    """why there is no value at all"""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostLimit:
    """The member of the host that sets the limit of one side, and its potential."""

    value: Value
    potential_v: float
    sd: float
    mixed: bool
    """another kind of potential than the candidate's had to be used for a member"""


@dataclass
class Evidence:
    """All values of a campaign that can serve the ranking, by candidate, form and property."""

    campaign: Campaign
    rows: dict[tuple[str, str, str], Value]
    by_candidate: dict[str, list[Value]]
    method: str
    """the level whose potentials are used"""
    scales: ScaleSet
    host: tuple[str, ...]
    charges: dict[str, int]
    caveats: list[str] = field(default_factory=list)
    films: dict[str, FilmChain] = field(default_factory=dict)
    """the chain from each candidate to its film"""
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    """how far potentials of this level are from those of the next one, by side"""

    @property
    def base(self) -> Scale:
        """The scale on which the numbers of the ranking are given."""
        return self.scales.of("potential")[0]

    @property
    def offsets(self) -> tuple[float, ...]:
        """What each scale adds to a potential on the first, V."""
        zero = self.base.potential(0.0)
        return tuple(s.potential(0.0) - zero for s in self.scales.of("potential"))

    def absolute(self, value: Value) -> float:
        """Return the absolute potential (V) of a row, whose reference says the scale that it is on.

        Raises
        ------
        InputError
            If the row has no number or an unknown reference.
        """
        if value.value is None:
            raise InputError(f"{value.property} of {value.candidate} has no value")
        scale = _scale_of(value.reference, self.scales.metal)
        return value.value - scale.potential(0.0)

    def potential(self, value: Value) -> float:
        """Return a row's potential on the first scale, V vs the metal."""
        return self.base.potential(self.absolute(value))

    def sd(self, value: Value) -> float:
        """Return the standard deviation of a computed potential, V.

        The campaign's error against experiment, the row's own spread and the difference from the
        next level, where enough species have both, taken as independent.
        """
        own = 0.0 if value.uncertainty is None else value.uncertainty
        next_level = self.calibrations.get(value.property.split("_", 1)[0])
        off = 0.0 if next_level is None else next_level.rms
        return float((self.campaign.ranking.uncertainty**2 + own**2 + off**2) ** 0.5)

    def get(self, candidate: str, form: str, name: str) -> Value | None:
        """Return the row of a candidate's form, or None."""
        return self.rows.get((candidate, form, name))

    def kinds(self) -> tuple[Potential, Potential]:
        """Return the kinds of potential, the preferred one first."""
        if self.campaign.ranking.potential == "adiabatic":
            return ("adiabatic", "vertical")
        return ("vertical", "adiabatic")

    def forms(self, candidate: str, side: Side) -> tuple[str, ...]:
        """Return the forms that can stand for one side, best first."""
        charge = self.charges.get(candidate, 0)
        if candidate in self.host:
            return (*(_PAIRED if side == "reduction" else ()), "molecule", "complex", "ion")
        if charge < 0:
            return _PAIRED if side == "reduction" else ("ion",)
        return ("ion", "complex") if charge > 0 else ("molecule",)

    def offer(self, candidate: str, side: Side) -> Offer:
        """Collect what there is of one candidate for one side."""
        notes: list[str] = []
        for form in self.forms(candidate, side):
            found = self._potentials(candidate, form, side)
            usable = {k: v for k, v in found.items() if v.usable()}
            notes += [
                f"{v.property} of {v.species or form} failed: {v.reason}"
                for v in found.values()
                if not v.usable()
            ]
            if usable:
                alone = form not in {*_PAIRED, "complex"}
                return Offer(
                    form=form,
                    values=usable,
                    fraction=None if alone else self.get(candidate, form, f"{side}_on_anion"),
                    alone=alone,
                    bonds=self.get(candidate, form, f"{side}_broken_bonds"),
                    notes=tuple(notes),
                )
        if notes:
            return Offer(missing="; ".join(dict.fromkeys(notes)))
        wanted = " or ".join(self.forms(candidate, side))
        return Offer(missing=f"no {side} potential of the {wanted} in the database")

    def _potentials(self, candidate: str, form: str, side: Side) -> dict[Potential, Value]:
        found: dict[Potential, Value] = {}
        for kind in self.kinds():
            value = self.get(candidate, form, f"{side}_potential_{kind}")
            if value is None:
                continue
            try:
                if value.usable():
                    self.absolute(value)
            except InputError as error:
                value = value.model_copy(update={"state": "failed", "reason": str(error)})
            found[kind] = value.model_copy(update={"note": self._note(value, side, kind)})
        return found

    def _note(self, value: Value, side: Side, kind: Potential) -> str:
        if kind == "adiabatic":
            bonds = self.get(value.candidate, value.form, f"{side}_broken_bonds")
            if bonds is not None and bonds.text not in {None, "", "none"}:
                name = "reductive" if side == "reduction" else "oxidative"
                return f"{name} cleavage potential: {bonds.text} breaks"
            return "adiabatic: both states relaxed"
        return "vertical: frozen geometry"

    def host_members(self, side: Side, kind: Potential) -> list[HostMember]:
        """Return what each member of the host says about its limit on one side."""
        members = []
        for name in self.host:
            reason = f"no {side} potential"
            chosen: Value | None = None
            for form in self.forms(name, side):
                usable = {k: v for k, v in self._potentials(name, form, side).items() if v.usable()}
                value = usable.get(kind) or next(iter(usable.values()), None)
                if value is None:
                    continue
                if side == "reduction" and self._on_metal(name, form):
                    reason = f"the electron goes to the metal ion in the {form}"
                    continue
                chosen = value
                break
            members.append(
                HostMember(
                    candidate=name,
                    side=side,
                    value=chosen,
                    potential_v=None if chosen is None else self.potential(chosen),
                    reason="" if chosen is not None else reason,
                )
            )
        return members

    def _on_metal(self, candidate: str, form: str) -> bool:
        """Tell whether the added electron is on the metal ion, or might be."""
        if form not in {*_PAIRED, "complex"}:
            return False
        metal = self.get(candidate, form, "reduction_on_metal")
        return metal is None or metal.value is None or metal.value >= 0.5  # noqa: PLR2004

    def host_limit(self, side: Side, kind: Potential) -> HostLimit | None:
        """Return the member that is reduced (oxidised) first, or None where none has a value."""
        found = [
            (m.potential_v, m.candidate, m.value)
            for m in self.host_members(side, kind)
            if m.value is not None and m.potential_v is not None
        ]
        if not found:
            return None
        pick = max if side == "reduction" else min
        potential, _, value = pick(found, key=lambda x: (x[0], x[1]))
        wanted = f"{side}_potential_{kind}"
        return HostLimit(
            value=value,
            potential_v=potential,
            sd=self.sd(value),
            mixed=any(v.property != wanted for _, _, v in found),
        )


def _scale_of(reference: str, metal: str) -> Scale:
    """Read the reference of a row, "Mg2+/Mg (SHE 4.44 V)"."""
    match = re.fullmatch(r"(\S+) \(SHE ([0-9.]+) V\)", reference.strip())
    if match is None or match.group(1) != electrode(metal).couple:
        wanted = she_scale(metal).reference
        raise InputError(f"its reference is '{reference}', expected one like '{wanted}'")
    return she_scale(metal, float(match.group(2)))


def base_method(method: str) -> str:
    """Return a method without the level of the geometry."""
    return method.split("//", 1)[0]


def campaign_scales(campaign: Campaign) -> ScaleSet:
    """Return the energy scales of a campaign."""
    return scales_for(campaign.anode.metal, campaign.scales.she, campaign.scales.work_function)


def host_caveats(evidence: Evidence) -> list[str]:
    """Return what is missing of the host, whose limits every role is relative to."""
    found = []
    if not evidence.host:
        found.append("the campaign has no host member: roles are relative to nothing")
    for side in SIDES:
        found += [
            f"{member.candidate} sets no limit of {side} ({member.reason}): margins are relative "
            "to the rest of the host"
            for member in evidence.host_members(side, evidence.kinds()[0])
            if member.value is None
        ]
    return found
