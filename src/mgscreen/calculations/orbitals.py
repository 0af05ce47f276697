"""Frontier orbitals of a molecule, ion or complex, and where each of them lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.steps import (
    ElectronicState,
    absent,
    by_role,
    provenance,
    single_point,
    value,
)
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.runtime import runtime
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

UNBOUND = "unbound"
"""Text beside a LUMO that is no bound state: its value only reflects the finite basis."""


class OrbitalsDocument(Document):
    """Frontier Kohn-Sham levels, eV vs the vacuum level of the calculation.

    They are descriptors, not redox potentials (P. Peljo, H. H. Girault, Energy Environ. Sci. 11,
    2306 (2018)).
    """

    total_energy_ev: float | None = None
    homo_ev: float | None = Field(default=None, description="alpha, or the only spin")
    lumo_ev: float | None = Field(default=None, description="alpha, or the only spin")
    homo_beta_ev: float | None = None
    lumo_beta_ev: float | None = None
    gap_ev: float | None = Field(
        default=None, description="lowest empty minus highest occupied level over both spins"
    )
    lumo_unbound: bool = Field(
        default=False,
        description="the LUMO of a negative ion lies above the vacuum level: no bound state",
    )
    homo_on: dict[str, float] = Field(
        default_factory=dict,
        description="fraction of the highest occupied orbital on metal, anion, solvent (Loewdin)",
    )
    lumo_on: dict[str, float] = Field(
        default_factory=dict, description="the same for the lowest empty orbital"
    )
    state_details: ElectronicState | None = None

    def properties(self) -> list[PropertyValue]:
        """Return levels and fractions; a positive LUMO of an anion carries the text ``unbound``."""
        names = ("total_energy", "homo", "lumo", "gap")
        if self.state == "failed":
            return absent(names, self.reason, self.level)
        vacuum = "vacuum level"
        numbers = {
            "homo": self.homo_ev,
            "lumo": self.lumo_ev,
            "gap": self.gap_ev,
            "homo_beta": self.homo_beta_ev,
            "lumo_beta": self.lumo_beta_ev,
        }
        rows = [value("total_energy", self.total_energy_ev, self.level)]
        for name, number in numbers.items():
            if number is None:
                if name in names:
                    reason = "there is no such orbital in this basis"
                    rows += absent([name], reason, self.level, vacuum)
                continue
            # a gap or a LUMO above the vacuum level is a property of the basis, not of the ion
            text = UNBOUND if self.lumo_unbound and "homo" not in name else None
            reference = "" if name == "gap" else vacuum
            rows.append(value(name, number, self.level, text=text, reference=reference))
        for orbital, fractions in (("homo", self.homo_on), ("lumo", self.lumo_on)):
            rows += [
                value(f"{orbital}_on_{role}", fraction, self.level)
                for role, fraction in fractions.items()
            ]
        return rows


@calculation("orbitals", OrbitalsDocument)
def frontier_orbitals(
    structure: AtomicStructure, level: Level, identity: str = ""
) -> OrbitalsDocument:
    """Compute HOMO, LUMO and gap, and their fractions on metal, anion and solvent.

    Parameters
    ----------
    structure
        Atoms with charge, multiplicity and fragments.
    level
        Level of theory.
    identity
        Set by the calculation's frame.

    Returns
    -------
    OrbitalsDocument
        Failed, with the reason, where the SCF does not converge.
    """
    engine = get_engine(level)
    state = single_point(engine, structure, runtime().workdir(identity) / "scf")
    homo, lumo = state.frontier_ev
    unbound = structure.charge < 0 and lumo is not None and lumo > 0
    warnings = list(state.warnings)
    if unbound:
        warnings.append(
            f"the LUMO of this anion lies {lumo:+.2f} eV from the vacuum level: an added electron "
            "is not bound, the value reflects the basis and is never ranked on"
        )
    return OrbitalsDocument(
        **provenance(engine),
        structure=structure,
        total_energy_ev=state.energy_ev,
        homo_ev=state.alpha.homo_ev,
        lumo_ev=state.alpha.lumo_ev,
        homo_beta_ev=None if state.beta is None else state.beta.homo_ev,
        lumo_beta_ev=None if state.beta is None else state.beta.lumo_ev,
        gap_ev=None if homo is None or lumo is None else lumo - homo,
        lumo_unbound=unbound,
        homo_on=_where(structure, state, "homo"),
        lumo_on=_where(structure, state, "lumo"),
        state_details=state.for_document(),
        converged={"scf": True},
        warnings=warnings,
        recovery=state.recovery,
    )


def _where(structure: AtomicStructure, state: ElectronicState, orbital: str) -> dict[str, float]:
    """Fractions of the frontier orbital of the spin in which it is the outermost."""
    spins = [s for s in (state.alpha, state.beta) if s is not None]
    spins = [s for s in spins if getattr(s, f"{orbital}_ev") is not None]
    if not spins:
        return {}
    pick = max if orbital == "homo" else min
    outermost = pick(spins, key=lambda s: getattr(s, f"{orbital}_ev"))
    return by_role(structure, getattr(outermost, f"{orbital}_weights"))
