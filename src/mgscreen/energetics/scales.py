"""Energy scales: vacuum level, standard hydrogen electrode (SHE), metal electrode, work function.

Two kinds of computed quantity are compared with an electrode:

- a *total-energy potential*, the difference of two total energies of ions in a solvent. It is an
  absolute potential (electron at rest in vacuum) and becomes a potential against M(n+)/M through
  the absolute potential of the SHE, for which two values are in use: 4.44 V (S. Trasatti, Pure
  Appl. Chem. 58, 955 (1986), the IUPAC recommendation, +-0.02 V) and 4.28 V (from the solvation
  free energy of the proton: C. P. Kelly, C. J. Cramer, D. G. Truhlar, J. Phys. Chem. B 110, 16066
  (2006)). They shift every potential by 0.16 V;
- an *orbital level*, against vacuum. It may be compared with the same two scales and, in the
  solid-state manner, with the Fermi level of the bare metal, minus its work function. That third
  scale does not apply to a total-energy potential in solution: the metal of an electrode lies
  behind a double layer, and its potential there is what M(n+)/M against SHE says.

For magnesium the three put the Fermi level at -2.07, -1.91 and -3.66 eV, so the reference alone can
decide a verdict. A verdict here carries the margin under every scale and is withheld where they
disagree.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError
from mgscreen.energetics.electrodes import electrode

IUPAC_SHE_V = 4.44
"""Absolute potential of the SHE, V: Trasatti 1986, IUPAC."""
IUPAC_SHE_UNCERTAINTY_V = 0.02
ALTERNATIVE_SHE_V = 4.28
"""Absolute potential of the SHE, V: Kelly, Cramer, Truhlar 2006."""
SHE_SCALES_V = (IUPAC_SHE_V, ALTERNATIVE_SHE_V)

_SHE_SOURCE = {
    IUPAC_SHE_V: "Trasatti, Pure Appl. Chem. 58, 955 (1986); IUPAC",
    ALTERNATIVE_SHE_V: "Kelly, Cramer, Truhlar, J. Phys. Chem. B 110, 16066 (2006)",
}
_SHE_UNCERTAINTY = {IUPAC_SHE_V: IUPAC_SHE_UNCERTAINTY_V}

Quantity = Literal["potential", "level"]


class Scale(BaseModel):
    """One way to put the electrode's Fermi level against vacuum."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description='"SHE 4.44 V" or "work function 3.66 eV"')
    kind: Literal["she", "work-function"]
    metal: str
    value: float = Field(description="absolute SHE potential, V, or work function, eV")
    fermi_level_ev: float = Field(description="Fermi level of the electrode, eV vs vacuum")
    uncertainty: float | None = Field(default=None, description="one standard deviation of value")
    source: str = ""

    @property
    def reference(self) -> str:
        """The reference of a potential on this scale, as property rows name it."""
        return f"{electrode(self.metal).couple} ({self.name})"

    def potential(self, absolute_v: float) -> float:
        """Return an absolute potential (V) against this electrode (V)."""
        return absolute_v + self.fermi_level_ev

    def potential_of_level(self, level_ev: float) -> float:
        """Return the potential (V) at which the electrode's Fermi level meets a level (eV)."""
        return self.fermi_level_ev - level_ev

    def level_of_potential(self, potential_v: float) -> float:
        """Return the Fermi level (eV vs vacuum) of an electrode at a potential (V)."""
        return self.fermi_level_ev - potential_v


class ScaleSet(BaseModel):
    """The scales under which a verdict is given, for one metal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metal: str
    scales: tuple[Scale, ...] = Field(min_length=1)
    missing: str = Field(default="", description="why there is no work-function scale, if so")

    def of(self, quantity: Quantity) -> tuple[Scale, ...]:
        """Return the scales that apply: a total-energy potential has no work-function scale."""
        if quantity == "level":
            return self.scales
        return tuple(s for s in self.scales if s.kind == "she")


class Margin(BaseModel):
    """The verdict under one scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: str
    value_v: float = Field(description="the compared quantity on this scale, V vs the metal")
    margin_v: float = Field(description="positive: the claim holds, V")
    holds: bool | None = Field(description="None: the uncertainty covers zero")


class Verdict(BaseModel):
    """A claim with its margin under every scale, withheld where they do not agree."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str
    holds: bool | None = Field(description="None: withheld, see reason")
    reason: str = Field(description="one sentence: why it holds, does not, or is withheld")
    margins: tuple[Margin, ...]
    not_applicable: tuple[str, ...] = Field(default=(), description="scales left out, and why")

    @property
    def margin_v(self) -> float:
        """The margin nearest to a change of the verdict, V."""
        return min((m.margin_v for m in self.margins), key=abs)


def she_scale(metal: str = "Mg", she: float = IUPAC_SHE_V) -> Scale:
    """Return the scale that ties M(n+)/M to vacuum by an absolute SHE potential (V)."""
    return Scale(
        name=f"SHE {she:g} V",
        kind="she",
        metal=metal,
        value=she,
        fermi_level_ev=-(she + electrode(metal).potential_vs_she),
        uncertainty=_SHE_UNCERTAINTY.get(she),
        source=f"{_SHE_SOURCE.get(she, 'given by the user')}; {electrode(metal).source}",
    )


def work_function_scale(metal: str = "Mg", work_function: float | None = None) -> Scale | None:
    """Return the scale of the bare metal, or None where no work function (eV) is known."""
    tabulated = electrode(metal)
    value = tabulated.work_function if work_function is None else work_function
    if value is None:
        return None
    return Scale(
        name=f"work function {value:g} eV",
        kind="work-function",
        metal=metal,
        value=value,
        fermi_level_ev=-value,
        source=tabulated.work_function_source if work_function is None else "given by the user",
    )


def scales_for(
    metal: str = "Mg",
    she: tuple[float, ...] = SHE_SCALES_V,
    work_function: float | None = None,
) -> ScaleSet:
    """Return every scale for one metal.

    Parameters
    ----------
    metal
        Element symbol of the anode.
    she
        Absolute potentials of the SHE, V.
    work_function
        Of the metal, eV; None: the tabulated one, where there is one.

    Raises
    ------
    InputError
        If the metal is not tabulated.
    """
    bare = work_function_scale(metal, work_function)
    tied = tuple(she_scale(metal, value) for value in she)
    missing = (
        "" if bare else f"no work function of {metal}: {electrode(metal).work_function_source}"
    )
    return ScaleSet(metal=metal, scales=(*tied, bare) if bare else tied, missing=missing)


def absolute_potential(metal: str = "Mg", she: float = IUPAC_SHE_V) -> float:
    """Return the absolute potential of M(n+)/M, V (Mg: 2.068 with 4.44, 1.908 with 4.28)."""
    return she + electrode(metal).potential_vs_she


def potential_vs_metal(absolute_v: float, metal: str = "Mg", she: float = IUPAC_SHE_V) -> float:
    """Return an absolute potential (V) against M(n+)/M (V)."""
    return absolute_v - absolute_potential(metal, she)


def fermi_level(metal: str, scale: Scale | float | None = None) -> float:
    """Return the Fermi level of a metal electrode, eV vs vacuum.

    Parameters
    ----------
    metal
        Element symbol.
    scale
        A scale of this metal, or an absolute SHE potential in V; None: the IUPAC one.

    Raises
    ------
    InputError
        If the scale belongs to another metal.
    """
    if isinstance(scale, Scale):
        if scale.metal != metal:
            raise InputError(f"a scale of {scale.metal} says nothing about {metal}")
        return scale.fermi_level_ev
    return -absolute_potential(metal, IUPAC_SHE_V if scale is None else scale)


def level_to_potential(level_ev: float, scale: Scale) -> float:
    """Return the potential (V vs the scale's metal) that corresponds to a level (eV vs vacuum)."""
    return scale.potential_of_level(level_ev)


def potential_to_level(potential_v: float, scale: Scale) -> float:
    """Return the Fermi level (eV vs vacuum) of an electrode at a potential (V vs its metal)."""
    return scale.level_of_potential(potential_v)


def reduced_at_anode(
    value: float,
    scales: ScaleSet,
    *,
    quantity: Quantity = "potential",
    uncertainty: float | None = None,
    at_v: float = 0.0,
) -> Verdict:
    """Judge whether a species is reduced by the anode.

    Parameters
    ----------
    value
        ``quantity="potential"``: absolute reduction potential, V (the electron affinity in
        solution); ``"level"``: LUMO, eV vs vacuum.
    scales
        The scales of the anode's metal.
    quantity
        Which of the two ``value`` is.
    uncertainty
        Of ``value``, one standard deviation, V or eV; a scale under which the margin is not
        larger gives no verdict.
    at_v
        Potential of the electrode, V vs its metal; 0 is the resting metal.

    Returns
    -------
    Verdict
        Its margin is (potential of the species) - ``at_v``: positive means reduced.
    """
    claim = f"reduced at {at_v:g} V vs {electrode(scales.metal).couple}"
    rows = [(s.name, _on(s, value, quantity)) for s in scales.of(quantity)]
    return _judge(claim, [(n, v, v - at_v) for n, v in rows], scales, quantity, uncertainty)


def oxidised_in_window(
    value: float,
    window: tuple[float, float],
    scales: ScaleSet,
    *,
    quantity: Quantity = "potential",
    uncertainty: float | None = None,
) -> Verdict:
    """Judge whether a species is oxidised before the cathode's highest potential is reached.

    Parameters
    ----------
    value
        ``quantity="potential"``: absolute oxidation potential, V; ``"level"``: HOMO, eV vs vacuum.
    window
        Lowest and highest potential of the cathode, V vs the metal.
    scales, quantity, uncertainty
        As in `reduced_at_anode`.

    Returns
    -------
    Verdict
        Its margin is (top of the window) - (potential of the species): positive means oxidised.
    """
    top = window[1]
    claim = f"oxidised below {top:g} V vs {electrode(scales.metal).couple}"
    rows = [(s.name, _on(s, value, quantity)) for s in scales.of(quantity)]
    return _judge(claim, [(n, v, top - v) for n, v in rows], scales, quantity, uncertainty)


def _on(scale: Scale, value: float, quantity: Quantity) -> float:
    return scale.potential(value) if quantity == "potential" else scale.potential_of_level(value)


def _judge(
    claim: str,
    rows: list[tuple[str, float, float]],
    scales: ScaleSet,
    quantity: Quantity,
    uncertainty: float | None,
) -> Verdict:
    spread = 0.0 if uncertainty is None else uncertainty
    if spread < 0:
        raise InputError(f"an uncertainty is not negative, got {spread:g}")
    if not rows:
        raise InputError(f"no scale of {scales.metal} applies to a {quantity}")
    margins = tuple(
        Margin(scale=name, value_v=value, margin_v=margin, holds=_sign(margin, spread))
        for name, value, margin in rows
    )
    left_out: list[str] = [scales.missing] if scales.missing else []
    if quantity == "potential":
        left_out += [
            f"{s.name}: a work function is no reference for a total-energy potential in solution"
            for s in scales.scales
            if s.kind == "work-function"
        ]
    answers = {m.holds for m in margins}
    listed = ", ".join(f"{m.margin_v:+.2f} V ({m.scale})" for m in margins)
    if None in answers:
        holds, reason = None, f"withheld: the uncertainty of {spread:.2f} V covers zero: {listed}"
    if {True, False} <= answers:
        holds, reason = None, f"withheld: the energy scales disagree: {listed}"
    elif None not in answers:
        holds = answers == {True}
        reason = f"{'holds' if holds else 'does not hold'} on every scale: {listed}"
    return Verdict(
        claim=claim,
        holds=holds,
        reason=reason,
        margins=margins,
        not_applicable=tuple(left_out),
    )


def _sign(margin: float, spread: float) -> bool | None:
    if abs(margin) <= spread:
        return None
    return margin > 0
