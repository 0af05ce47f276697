"""What an adsorption energy is measured against: radical, half X2, bulk metal, ion and electrons.

With E(X*) the slab with the fragment, E(*) the clean slab, all at one level:

    radical     E(X*) - E(*) - E(X alone, spin-polarised)
    half X2     E(X*) - E(*) - E(X2) / 2
    bulk        E(X*) - E(*) - E(bulk metal) / atom
    ion         X-(solution) -> X* + e-(U), with the electrode at U vs M(n+)/M

The ion's energy comes from a cycle, not from a charged cell. With a standard potential E0 of
X/X- the step X- -> X2/2 + e-(U) costs e(E0 - U'), where U' is U on the scale of E0: this is the
computational hydrogen electrode of J. K. Norskov et al., J. Phys. Chem. B 108, 17886 (2004), used
for another couple. Without one, X-(solution) -> X(gas) + e-(vacuum) is computed with a continuum
solvent, and the electron goes from vacuum to the electrode by the absolute potential of the SHE.
Electronic energies throughout: the entropy of the gas, some 0.3 eV for half of X2, is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.steps import relax
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.energetics.electrodes import electrode
from mgscreen.energetics.scales import absolute_potential
from mgscreen.engines.base import get_engine
from mgscreen.structures.fragments import FRAGMENTS

if TYPE_CHECKING:
    from mgscreen.calculations.crystal import CrystalDocument
    from mgscreen.calculations.gas import GasDocument
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

Reference = Literal["radical", "half_x2", "bulk", "ion"]
REFERENCES: tuple[Reference, ...] = ("radical", "half_x2", "bulk", "ion")


class ReferenceEnergy(BaseModel):
    """An adsorption energy on one reference, or why there is none."""

    model_config = ConfigDict(extra="forbid")

    value_ev: float | None = Field(default=None, description="negative when bound")
    reference: str = Field(default="", description="what it is measured against")
    reason: str = Field(default="", description="why there is no value")
    offset_ev: float | None = Field(
        default=None, description="to add to E(slab + fragment) - E(slab) for this reference"
    )


class IonDocument(Document):
    """Energy to take the electron from a solvated anion, which is left as the radical in the gas.

    ``ion_potential_v`` = E(radical, gas) - E(anion, solution), an absolute potential.
    """

    ion_potential_v: float | None = None
    solvent_level: str = ""

    def properties(self) -> list[PropertyValue]:
        """Return the potential."""
        if self.state == "failed" or self.ion_potential_v is None:
            return []
        return [
            PropertyValue(
                property="ion_potential",
                value=self.ion_potential_v,
                unit="V",
                environment=self.solvent_level,
                reference="absolute: electron at rest in vacuum, radical in the gas",
            )
        ]


@calculation("ion", IonDocument)
def ion_energy(fragment: AtomicStructure, level: Level, *, identity: str = "") -> IonDocument:
    """Compute what a solvated anion is worth against its radical in the gas phase.

    Parameters
    ----------
    fragment
        The neutral radical, a doublet: its anion has a closed shell.
    level
        A PySCF level in a continuum solvent.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame: for a fragment that is no doublet.
    """
    if fragment.multiplicity != 2:  # noqa: PLR2004 - a doublet
        raise ScientificFailureError(
            f"{fragment.label or fragment.formula} is no doublet: its simple anion has no closed "
            "shell, and which ion it forms in solution is not said"
        )
    folder = runtime().workdir(identity)
    solvated, gas = get_engine(level), get_engine(level.in_gas())
    anion = relax(solvated, fragment.with_state(-1, 1), folder / "anion")
    radical = relax(gas, fragment, folder / "radical")
    if not (anion.converged and radical.converged):
        raise ScientificFailureError("the anion or the radical did not relax")
    return IonDocument(
        level=str(level),
        code=solvated.code,
        code_version=solvated.code_version,
        settings=solvated.settings(),
        structure=anion.structure,
        ion_potential_v=radical.energy_ev - anion.energy_ev,
        solvent_level=level.environment,
        converged={"anion": True, "radical": True},
        warnings=[*anion.warnings, *radical.warnings],
    )


class References(BaseModel):
    """Every reference of one fragment at one level."""

    model_config = ConfigDict(extra="forbid")

    radical: ReferenceEnergy
    half_x2: ReferenceEnergy
    bulk: ReferenceEnergy
    ion: ReferenceEnergy

    def at(self, difference_ev: float) -> References:
        """Return the references with values, for E(slab + fragment) - E(slab)."""
        rows = {}
        for name in REFERENCES:
            row: ReferenceEnergy = getattr(self, name)
            value = None if row.offset_ev is None else difference_ev + row.offset_ev
            rows[name] = row.model_copy(update={"value_ev": value})
        return References(**rows)


def references(  # noqa: PLR0913
    name: str,
    *,
    gas: GasDocument | None,
    x2: GasDocument | None,
    bulk: CrystalDocument | None,
    ion: IonDocument | None,
    metal: str,
    potential_v: float,
    dispersion: dict[str, float],
) -> References:
    """Collect the references of a fragment from the documents that there are.

    Parameters
    ----------
    name
        Name in the library, or of a user's fragment.
    gas, x2, bulk, ion
        The fragment alone, X2, the crystal of a metal, the ion: None or failed where there is none.
    metal
        The anode metal.
    potential_v
        Of the electrode, V vs ``metal``.
    dispersion
        D3 energies to add, eV, by ``gas``, ``x2`` and ``bulk`` (per atom).
    """
    source = FRAGMENTS.get(name)
    radical = _from(gas, f"{name} alone, relaxed", 1.0, dispersion.get("gas", 0.0))
    if source is None or source.molecule is None:
        half = ReferenceEnergy(reason=f"{name} is no element with a molecule X2")
    else:
        half = _from(x2, f"half of {name}2", 0.5, dispersion.get("x2", 0.0))
    if source is None or not source.metal:
        crystal = ReferenceEnergy(reason=f"{name} is no metal")
    elif bulk is None or bulk.state == "failed" or bulk.energy_per_atom_ev is None:
        why = bulk.reason if bulk is not None else "it was not computed"
        crystal = ReferenceEnergy(reason=f"no energy of bulk {name}: {why}")
    else:
        crystal = ReferenceEnergy(
            reference=f"bulk {name}, per atom",
            offset_ev=-(bulk.energy_per_atom_ev + dispersion.get("bulk", 0.0)),
        )
    return References(
        radical=radical,
        half_x2=half,
        bulk=crystal,
        ion=_ion(name, half, crystal, radical, ion, metal, potential_v),
    )


def _from(
    document: GasDocument | None, text: str, share: float, dispersion: float
) -> ReferenceEnergy:
    if document is None:
        return ReferenceEnergy(reason=f"no energy of {text}: it was not computed")
    if document.state == "failed" or document.energy_ev is None:
        return ReferenceEnergy(reason=f"no energy of {text}: {document.reason}")
    return ReferenceEnergy(reference=text, offset_ev=-share * (document.energy_ev + dispersion))


def _ion(
    name: str,
    half: ReferenceEnergy,
    bulk: ReferenceEnergy,
    radical: ReferenceEnergy,
    ion: IonDocument | None,
    metal: str,
    potential_v: float,
) -> ReferenceEnergy:
    source = FRAGMENTS.get(name)
    anode = electrode(metal)
    at = f"electrons at {potential_v:g} V vs {anode.couple}"
    couple = None if source is None else source.ion
    if couple is not None and half.offset_ev is not None:
        shift = couple.potential_vs_she - anode.potential_vs_she - potential_v
        return ReferenceEnergy(
            reference=f"{couple.ion} in water ({couple.potential_vs_she:g} V vs SHE) and {at}",
            offset_ev=half.offset_ev + shift,
        )
    if source is not None and source.metal and bulk.offset_ev is not None:
        own = electrode(source.metal)
        shift = own.charge * (potential_v + anode.potential_vs_she - own.potential_vs_she)
        charge = f"{own.charge}+" if own.charge > 1 else "+"
        return ReferenceEnergy(
            reference=f"{own.metal}{charge} at its standard potential and {at}",
            offset_ev=bulk.offset_ev + shift,
        )
    if ion is not None and ion.state == "completed" and ion.ion_potential_v is not None:
        if radical.offset_ev is None:
            return ReferenceEnergy(reason=radical.reason)
        shift = ion.ion_potential_v - absolute_potential(metal) - potential_v
        return ReferenceEnergy(
            reference=f"{name}- in {ion.solvent_level} ({ion.level}) and {at}, SHE at 4.44 V",
            offset_ev=radical.offset_ev + shift,
        )
    if ion is not None and ion.state == "failed":
        return ReferenceEnergy(reason=f"no energy of the ion of {name}: {ion.reason}")
    return ReferenceEnergy(
        reason=f"no standard potential of {name} to its ion is tabulated and no ion_level is given"
    )
