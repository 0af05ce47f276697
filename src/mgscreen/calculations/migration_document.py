"""What a search for migration paths leaves: hops, sites, and the lowest way through a phase."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.diffusion import ATTEMPT_HZ
from mgscreen.engines.periodic import EnergyConvention


class HopRecord(BaseModel):
    """One hop and what its search found."""

    model_config = ConfigDict(extra="forbid")

    name: str
    mechanism: str
    layer: str = ""
    distance_a: float
    direction: tuple[float, float, float]
    multiplicity: int
    symmetric: bool
    dimension: int = Field(description="in how many dimensions this hop alone percolates")
    edges: list[tuple[int, int, tuple[int, int, int]]] = Field(default_factory=list)
    state: str = "completed"
    reason: str = ""
    method: str = ""
    barrier_ev: float | None = Field(default=None, description="from the initial structure")
    barrier_backward_ev: float | None = None
    limiting_ev: float | None = Field(
        default=None,
        description="saddle above the lowest site of the mechanism: what percolation needs",
    )
    verified: bool | None = Field(
        default=None, description="one negative curvature, and downhill to both endpoints"
    )
    n_negative: int | None = None
    curvature_ev_a2: float | None = None
    projected_force_ev_a: float | None = None
    intermediate_ev: float | None = Field(
        default=None, description="energy of a minimum on the way, above the initial structure"
    )
    force_calls: int = 0
    coordinates_a: list[float] = Field(default_factory=list)
    energies_ev: list[float] = Field(
        default_factory=list, description="along the path, above the initial structure"
    )
    initial_energy_ev: float | None = Field(default=None, description="total, of the supercell")
    initial: AtomicStructure | None = None
    saddle: AtomicStructure | None = None
    final: AtomicStructure | None = None
    mobile: int = 0
    formation_ev: float | None = Field(default=None, description="of the defect, see document")
    warnings: list[str] = Field(default_factory=list)


class SiteRecord(BaseModel):
    """An interstitial site and what became of an atom there."""

    model_config = ConfigDict(extra="forbid")

    name: str
    position: tuple[float, float, float] = Field(description="fractional, of the primitive cell")
    multiplicity: int
    radius_a: float
    stays: bool
    above_lowest_ev: float | None = Field(
        default=None, description="relaxed energy above that of the lowest relaxed start"
    )
    reason: str = ""


class PhaseMigrationDocument(Document):
    """The hops of a phase and the lowest way through it."""

    phase: str = ""
    formula: str = ""
    species: str = "Mg"
    charge_state: str = "neutral"
    energy_convention: EnergyConvention = "unknown"
    hops: list[HopRecord] = Field(default_factory=list)
    sites: list[SiteRecord] = Field(
        default_factory=list, description="interstitial sites that were tried"
    )
    barrier_ev: float | None = Field(default=None, description="lowest percolating path, eV")
    dimension: int = Field(default=0, description="in how many dimensions that path percolates")
    path: list[str] = Field(default_factory=list, description="the hops that it needs")
    barrier_3d_ev: float | None = Field(
        default=None, description="lowest path that leads on in all three dimensions, eV"
    )
    path_3d: list[str] = Field(default_factory=list, description="the hops that it needs")
    mechanism: str = ""
    formation_ev: float | None = Field(
        default=None, description="of the neutral defect, against the bulk metal, eV"
    )
    formation_reason: str = ""
    surface_miller: str | None = Field(default=None, description="face of surface hops")
    surface_cell_ev: float | None = Field(
        default=None, description="energy of one relaxed surface cell, nothing on it"
    )
    surface_barrier_ev: float | None = Field(
        default=None, description="lowest path along that face, eV"
    )
    surface_path: list[str] = Field(default_factory=list)
    temperature_k: float = 298.15
    rate_hz: float | None = None
    diffusivity_cm2_s: float | None = Field(default=None, description="of one defect")
    force_calls: int = 0

    def properties(self) -> list[PropertyValue]:
        """Return the numbers of the phase; each hop is in the document."""
        if self.state == "failed":
            return []
        rows = self._through()
        if self.surface_barrier_ev is not None:
            face = f"({self.surface_miller}), {self.charge_state}; {', '.join(self.surface_path)}"
            rows.append(
                PropertyValue(
                    property="surface_barrier",
                    value=self.surface_barrier_ev,
                    unit="eV",
                    environment="surface",
                    reference=face,
                )
            )
        return rows

    def _through(self) -> list[PropertyValue]:
        """Return the numbers of the path through the crystal."""
        if self.barrier_ev is None:
            return []
        how = f"{self.mechanism}, {self.charge_state}; {', '.join(self.path)}"
        assumed = (
            f"{self.temperature_k:g} K, attempt frequency {ATTEMPT_HZ:g}/s assumed; one defect"
        )

        def row(name: str, value: float | None, unit: str, note: str, why: str = "") -> Any:
            return PropertyValue(
                property=name,
                value=value,
                unit=unit,
                environment="crystal",
                reference=note,
                reason=why,
            )

        return [
            row("percolating_barrier", self.barrier_ev, "eV", how),
            row("percolation_dimension", float(self.dimension), "1", how),
            row(
                "percolating_barrier_3d",
                self.barrier_3d_ev,
                "eV",
                f"{self.charge_state}; {', '.join(self.path_3d)}" if self.path_3d else "",
                "" if self.path_3d else "no hops that were found lead on in all three dimensions",
            ),
            PropertyValue(
                property="migration_mechanism", text=how, environment="crystal", reference=""
            ),
            row(
                "defect_formation_energy",
                self.formation_ev,
                "eV",
                f"neutral, against bulk {self.species}",
                self.formation_reason,
            ),
            row("hopping_rate", self.rate_hz, "1/s", assumed),
            row("defect_diffusivity", self.diffusivity_cm2_s, "cm2/s", assumed),
        ]
