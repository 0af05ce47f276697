"""The numbers of the figures, as plain rows, apart from how they are drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError
from mgscreen.ranking.evidence import SIDES, base_method

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mgscreen.ranking.evidence import Evidence, Side, Value

_LABEL_GAP = 0.05
"""Distance of two labels as a part of the axis."""
HERE, ELSEWHERE, UNKNOWN = (
    "on the candidate",
    "on the metal ion or solvent",
    "where the electron lands is not known",
)


@dataclass(frozen=True)
class LevelFigure:
    """What the energy-level alignment diagram shows.

    Attributes
    ----------
    levels
        Frontier levels in the gas phase: species, orbital, energy (eV vs vacuum), unbound.
    potentials
        Potentials of each species on each scale (V vs the metal), with their error.
    fermi
        Fermi level of the anode (eV vs vacuum) on each scale.
    window
        The cathode's window on each scale, as levels (eV) and potentials (V).
    species
        Order along the axis.
    method
        Level of theory of the orbitals.
    """

    levels: list[dict[str, Any]]
    potentials: list[dict[str, Any]]
    fermi: list[dict[str, Any]]
    window: list[dict[str, Any]]
    species: list[str]
    scales: list[str]
    method: str
    potential_method: str
    couple: str
    leakage: tuple[float, ...] = ()
    left_out: tuple[str, ...] = ()


def level_figure(evidence: Evidence, order: Sequence[str]) -> LevelFigure:
    """Collect the diagram's numbers.

    Parameters
    ----------
    evidence
        The values of a campaign.
    order
        Candidates in the order in which they are drawn.
    """
    chosen = [
        v
        for name in order
        for v in evidence.by_candidate.get(name, [])
        if v.form != "metal-ion"  # a reference of binding energies, tens of eV below all others
    ]
    orbitals = [v for v in chosen if v.property in _ORBITALS and v.environment in {"", "gas"}]
    counts = Counter(base_method(v.method) for v in orbitals if v.usable())
    method = max(sorted(counts), key=lambda m: counts[m]) if counts else ""
    levels = _levels(v for v in orbitals if v.usable() and base_method(v.method) == method)
    potentials = [row for v in chosen for row in _potentials(evidence, v)]
    shown = {row["species"] for row in (*levels, *potentials)}
    species = [s for s in dict.fromkeys(_label(v) for v in chosen) if s in shown]
    others = sum(n for m, n in counts.items() if m != method)
    return LevelFigure(
        levels=levels,
        potentials=potentials,
        fermi=_fermi(evidence, [row["energy"] for row in levels]),
        window=_window(evidence),
        species=species,
        scales=[s.name for s in evidence.scales.scales],
        method=method,
        potential_method=evidence.method,
        couple=evidence.base.reference.split(" ", 1)[0],
        leakage=evidence.campaign.cathode.leakage,
        left_out=(f"{others} levels of other methods are not drawn",) if others else (),
    )


_ORBITALS = ("homo", "lumo", "homo_beta", "lumo_beta")


def _label(value: Value) -> str:
    return value.species or f"{value.candidate} {value.form}".strip()


def _levels(values: Iterable[Value]) -> list[dict[str, Any]]:
    """Return one HOMO and one LUMO per species: of two spins, the higher and the lower one."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for v in values:
        orbital = "HOMO" if v.property.startswith("homo") else "LUMO"
        energy = float(v.value or 0.0)
        key = (_label(v), orbital)
        known = best.get(key)
        better = (
            known is None
            or (orbital == "HOMO" and energy > known["energy"])
            or (orbital == "LUMO" and energy < known["energy"])
        )
        if better:
            unbound = v.text == "unbound"
            best[key] = {
                "species": _label(v),
                "candidate": v.candidate,
                "orbital": orbital,
                "energy": energy,
                "unbound": unbound,
                "label": f"{orbital} (unbound: no real level)" if unbound else orbital,
            }
    return list(best.values())


def _potentials(evidence: Evidence, value: Value) -> list[dict[str, Any]]:
    side = next((s for s in SIDES if value.property.startswith(f"{s}_potential_")), None)
    used = base_method(value.method) == evidence.method and value.usable()
    if side is None or not used:
        return []
    kind = value.property.rsplit("_", 1)[-1]
    preferred = evidence.kinds()[0]
    if kind != preferred:
        other = evidence.get(value.candidate, value.form, f"{side}_potential_{preferred}")
        if other is not None and other.usable():
            return []
    try:
        absolute = evidence.absolute(value)
    except InputError:
        return []
    sd = evidence.sd(value)
    rows = []
    for scale in evidence.scales.of("potential"):
        potential = scale.potential(absolute)
        rows.append(
            {
                "species": _label(value),
                "candidate": value.candidate,
                "side": side,
                "kind": kind,
                "potential": potential,
                "low": potential - sd,
                "high": potential + sd,
                "scale": scale.name,
                "electron": _where(evidence, value, side),
            }
        )
    return rows


def _where(evidence: Evidence, value: Value, side: Side) -> str:
    if side == "oxidation" or value.form in {"ion", "molecule"}:
        return HERE
    on_metal = evidence.get(value.candidate, value.form, "reduction_on_metal")
    on_anion = evidence.get(value.candidate, value.form, "reduction_on_anion")
    if on_anion is not None and on_anion.value is not None:
        return HERE if on_anion.value > 0.5 else ELSEWHERE  # noqa: PLR2004 - more than half
    if on_metal is not None and on_metal.value is not None:
        return ELSEWHERE if on_metal.value >= 0.5 else HERE  # noqa: PLR2004
    return UNKNOWN


def _fermi(evidence: Evidence, energies: list[float]) -> list[dict[str, Any]]:
    """Return the Fermi level on each scale; labels are moved apart where the levels are close."""
    scales = sorted(evidence.scales.scales, key=lambda s: s.fermi_level_ev)
    everything = [*energies, *(s.fermi_level_ev for s in scales)]
    gap = _LABEL_GAP * (max(everything) - min(everything))
    places: list[float] = []
    for scale in scales:
        lowest = places[-1] + gap if places else scale.fermi_level_ev
        places.append(max(scale.fermi_level_ev, lowest))
    return [
        {
            "scale": scale.name,
            "energy": scale.fermi_level_ev,
            "label_at": place,
            "label": f"{evidence.scales.metal} {scale.fermi_level_ev:.2f} eV ({scale.name})",
        }
        for scale, place in zip(scales, places, strict=True)
    ]


def _window(evidence: Evidence) -> list[dict[str, Any]]:
    cathode = evidence.campaign.cathode
    low, high = cathode.window
    return [
        {
            "scale": s.name,
            "low": s.level_of_potential(low),
            "high": s.level_of_potential(high),
            "low_v": low,
            "high_v": high,
            "label": f"{cathode.name} {low:g}-{high:g} V",
        }
        for s in evidence.scales.scales
    ]
