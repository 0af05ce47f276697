"""The document of an adsorption calculation: every end, the references, what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.adsorption_reference import REFERENCES, References
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.periodic import EnergyConvention

if TYPE_CHECKING:
    from collections.abc import Sequence

Stage = Literal["relaxed", "rough", "frozen slab", "not converged", "single point"]
USABLE: tuple[Stage, ...] = ("relaxed", "single point")


class AdsorptionEnd(BaseModel):
    """One distinct end of the search; energies are E(slab + fragment) - E(slab), eV."""

    model_config = ConfigDict(extra="forbid")

    site: str = Field(description="of the closest bound atom")
    lateral_a: float | None = Field(
        description="its distance from that site in the plane, angstrom; None: no site on its side"
    )
    starts: list[str] = Field(description="site/orientation of the starts that came here")
    stage: Stage
    difference_ev: float = Field(description="E(slab + fragment) - E(slab), dispersion included")
    dispersion_ev: float = Field(default=0.0, description="the D3(BJ) part of it")
    events: tuple[str, ...]
    products: tuple[str, ...]
    broken_bonds: tuple[str, ...] = ()
    formed_bonds: tuple[str, ...] = ()
    height_a: float
    slab_moved_a: float
    intact: bool
    max_force_ev_per_a: float
    force_calls: int
    note: str = ""
    structure: AtomicStructure

    @property
    def label(self) -> str:
        """The site, and what happened unless nothing did."""
        if self.events == ("intact",):
            return self.site
        return f"{self.site} ({', '.join(self.events)})"


class AdsorptionDocument(Document):
    """A fragment on a slab; ``structure`` is the best intact end, else the lowest one."""

    fragment: str = ""
    slab_label: str = ""
    geometry_level: str = ""
    energy_convention: EnergyConvention = "unknown"
    ends: list[AdsorptionEnd] = Field(default_factory=list, description="lowest first")
    best: int | None = Field(default=None, description="number of the lowest intact end")
    lowest: int | None = Field(default=None, description="number of the lowest end of all")
    energies: References | None = Field(default=None, description="of the best intact end")
    dissociated_ev: float | None = Field(
        default=None, description="lowest end in pieces, against the fragment alone, eV"
    )
    correction_ev: float | None = Field(
        default=None, description="MP2020 correction that a potential has learned for the bound X"
    )
    potential_v: float = Field(default=0.0, description="of the ion reference, V vs the metal")
    n_starts: int = 0
    force_calls: int = 0
    failed_starts: dict[str, str] = Field(default_factory=dict)

    def properties(self) -> list[PropertyValue]:
        """Return the adsorption energy on each reference, the site, and what happened."""
        if self.state == "failed" or self.energies is None:
            return []
        rows = [self._energy(name) for name in REFERENCES]
        rows += self._pieces()
        shown = self._shown()
        if shown is not None:
            rows += self._described(shown)
        rows.append(_row("adsorption_force_calls", float(self.force_calls)))
        return rows

    def _shown(self) -> AdsorptionEnd | None:
        number = self.best if self.best is not None else self.lowest
        return None if number is None else self.ends[number]

    def _energy(self, name: str) -> PropertyValue:
        if self.energies is None:  # pragma: no cover - the caller has checked
            return _row(f"adsorption_energy_{name}", None, state="failed", reason=self.reason)
        given = getattr(self.energies, name)
        if given.offset_ev is None:
            return _row(f"adsorption_energy_{name}", None, state="failed", reason=given.reason)
        if self.best is None:
            return _row(
                f"adsorption_energy_{name}",
                None,
                state="failed",
                reason=self._why_none(),
                reference=given.reference,
            )
        return _row(f"adsorption_energy_{name}", given.value_ev, reference=given.reference)

    def _why_none(self) -> str:
        end = self._shown()
        if end is None:
            return "no start relaxed"
        if "dissociated" in end.events or "recombined" in end.events:
            return f"it does not stay whole on the surface: {' + '.join(end.products)}"
        return f"it is {end.events[0]}"

    def _pieces(self) -> list[PropertyValue]:
        if self.dissociated_ev is None or self.energies is None:
            return []
        return [
            _row(
                "dissociation_energy",
                self.dissociated_ev,
                reference=self.energies.radical.reference,
                text=" + ".join(next(e for e in self.ends if not e.intact).products),
            )
        ]

    def _described(self, end: AdsorptionEnd) -> list[PropertyValue]:
        lowest = self.ends[self.lowest] if self.lowest is not None else end
        rows = [
            _row("adsorption_site", None, text=end.site),
            _row("adsorption_height", end.height_a, reference="mean of the uppermost layer"),
            _row("adsorption_event", None, text=", ".join(lowest.events)),
            _row("adsorption_products", None, text=" + ".join(lowest.products)),
            _row("adsorption_dispersion", end.dispersion_ev, reference="D3(BJ)"),
        ]
        if self.correction_ev is not None:
            rows.append(_row("adsorption_correction", self.correction_ev, reference="MP2020"))
        return rows


def _row(name: str, number: float | None, **more: str) -> PropertyValue:
    from mgscreen.core.properties import PROPERTIES

    return PropertyValue.model_validate(
        {
            "property": name,
            "value": number,
            "unit": PROPERTIES[name].unit,
            "environment": "slab",
            **more,
        }
    )


def extxyz(document: AdsorptionDocument, ends: Sequence[AdsorptionEnd]) -> str:
    """Return ends as extended xyz: positions and cell in angstrom, energies in eV."""
    import io

    from ase.io import write

    images = []
    for end in ends:
        atoms = end.structure.to_ase()
        atoms.info.clear()
        atoms.info.update(
            fragment=document.fragment,
            slab=document.slab_label,
            level=document.level,
            site=end.label,
            stage=end.stage,
            slab_plus_fragment_minus_slab_ev=round(end.difference_ev, 6),
        )
        images.append(atoms)
    text = io.StringIO()
    write(text, images, format="extxyz")
    return text.getvalue()
