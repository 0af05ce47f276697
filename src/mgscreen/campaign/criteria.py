"""Criteria of a ranking, as a campaign declares them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from mgscreen.campaign.base import FieldError, Table, Text


class CriterionSpec(Table):
    """One criterion: what it looks at, when it is content, and how much it counts."""

    property: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = Field(
        description="name of a property, or of a value that the ranking derives"
    )
    worst: Annotated[float, Field(allow_inf_nan=False)] = Field(
        description="value of utility 0, in the property's unit"
    )
    best: Annotated[float, Field(allow_inf_nan=False)] = Field(
        description="value of utility 1; below worst where less is better"
    )
    weight: Annotated[float, Field(ge=0, le=1e3)] = Field(
        default=1.0, description="relative to the others; 0: the limits alone count"
    )
    at_least: float | None = Field(default=None, description="hard limit, in the property's unit")
    at_most: float | None = Field(default=None, description="hard limit, in the property's unit")
    levels: tuple[Text, ...] = Field(
        default=(),
        description="levels of theory that it may use, the preferred first, with * as a wildcard; "
        "none: any, DFT before potentials",
    )
    uncertainty: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="standard deviation that is added to the value's own, in its unit: the known "
        "error of the level",
    )

    @model_validator(mode="after")
    def _a_direction(self) -> CriterionSpec:
        if self.worst == self.best:
            raise FieldError("expected two different values for worst and best", "best")
        return self


def one_each(specs: tuple[CriterionSpec, ...]) -> tuple[CriterionSpec, ...]:
    """Refuse a property that two criteria are about, and a list in which nothing counts."""
    seen: set[str] = set()
    for n, spec in enumerate(specs):
        if spec.property in seen:
            raise FieldError(f"'{spec.property}' is given twice", n, "property")
        seen.add(spec.property)
    if specs and not any(spec.weight > 0 for spec in specs):
        raise FieldError("no criterion has a weight", 0, "weight")
    return specs


CriterionList = Annotated[tuple[CriterionSpec, ...], Field(min_length=1), AfterValidator(one_each)]

PAIRS = (
    CriterionSpec(property="anode_protected", worst=0.0, best=1.0, weight=1.0),
    CriterionSpec(property="cathode_protected", worst=0.0, best=1.0, weight=1.0),
    # one open side poisons the other: covering both is worth as much as the two together
    CriterionSpec(property="both_sides", worst=0.0, best=1.0, weight=2.0),
    CriterionSpec(property="selective", worst=0.0, best=1.0, weight=0.5),
    CriterionSpec(property="compatible", worst=0.0, best=1.0, weight=0.5),
)
"""Criteria of formulations where a campaign declares none; all of them are probabilities."""

COATINGS = (
    # 0.3 eV: ten million hops a second at room temperature; 1.2 eV: one in ten days. PBE barriers
    # of charged hops are good to about 0.1 eV
    CriterionSpec(property="percolating_barrier", worst=1.2, best=0.3, weight=2.0, uncertainty=0.1),
    CriterionSpec(
        property="reaction_with_anode", worst=-0.3, best=0.0, weight=1.5, uncertainty=0.02
    ),
    CriterionSpec(property="oxidation_limit", worst=0.0, best=2.5, weight=1.0, uncertainty=0.1),
    CriterionSpec(property="band_gap", worst=0.5, best=4.0, weight=1.0, uncertainty=0.3),
    CriterionSpec(
        property="reaction_with_cathode", worst=-0.2, best=0.0, weight=0.5, uncertainty=0.02
    ),
    CriterionSpec(property="energy_above_hull", worst=0.1, best=0.0, weight=0.5, uncertainty=0.02),
    # an atom of the metal against its bulk: 0 wets the coating, 1 eV is two thirds of the cohesion
    # of Mg. Fragments: 4 eV against half of X2 is what Mg itself does to F and O
    CriterionSpec(property="metal_binding", worst=1.0, best=0.0, weight=0.5, uncertainty=0.2),
    CriterionSpec(property="fragment_binding", worst=-4.0, best=0.0, weight=0.5, uncertainty=0.2),
)
"""Criteria of insulating coatings where a campaign declares none; those of binding count in a
campaign with slabs of phases."""
ALLOYS = tuple(spec for spec in COATINGS if spec.property not in {"band_gap", "oxidation_limit"})
"""Criteria of alloy interphases, which conduct electrons too and live at the anode's potential."""

FILM = (
    # a fragment that is not bound drifts away; 0.2 eV: scatter of PBE adsorption energies of atoms
    CriterionSpec(property="adsorption_energy", worst=0.0, best=-1.0, uncertainty=0.2),
    CriterionSpec(property="band_gap", worst=0.5, best=4.0, uncertainty=0.3),
    CriterionSpec(property="percolating_barrier", worst=1.2, best=0.3, uncertainty=0.1),
    CriterionSpec(property="stays", worst=0.0, best=1.0),
)
"""What the film of an SEI former has to be where a campaign declares nothing: each of them, so
utilities are multiplied, each to the power of its weight. `adsorption_energy` is that of the
fragment on the anode metal, `stays` 1 for a phase that does not dissolve and 0 for one that does;
the scales of gap and barrier are those of coatings."""
