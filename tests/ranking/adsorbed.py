"""A database with adsorption documents, written through the real Database.

Energies: PBE by GPAW on Mg(0001) p(3x3) at geometries of 7net-0, and 7net-0 itself, rounded; OH
stands for a fragment that falls apart.
"""

import tomllib

from mgscreen.calculations.adsorption_document import AdsorptionDocument, AdsorptionEnd
from mgscreen.calculations.adsorption_reference import ReferenceEnergy, References
from mgscreen.campaign.models import Campaign
from mgscreen.core.structure import AtomicStructure
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef

TEXT = """
name = "surf"
[surfaces]
fragments = ["F", "O", "Cl", "OH"]
"""
SLAB = "Mg(001)-4L-3x3"
LEVELS = {"mlip:7net-0": "", "gpaw:pbe": "mlip:7net-0"}
# radical, half of X2
ENERGIES = {
    ("F", "mlip:7net-0"): (-5.01, -4.71),
    ("O", "mlip:7net-0"): (-6.90, -3.73),
    ("Cl", "mlip:7net-0"): (-3.54, -2.51),
    ("F", "gpaw:pbe"): (-5.84, -4.68),
    ("O", "gpaw:pbe"): (-7.39, -4.23),
}


def document(name, level, radical, half, products=None):
    structure = AtomicStructure(
        symbols=("Mg", "O"),
        positions=((0, 0, 0), (0, 0, 2)),
        cell=((3.2, 0, 0), (0, 3.2, 0), (0, 0, 20)),
        pbc=(True, True, False),
    )
    end = AdsorptionEnd(
        site="fcc",
        lateral_a=0.0,
        starts=["fcc", "hcp"],
        stage="relaxed",
        difference_ev=-10.0,
        events=("dissociated",) if products else ("intact",),
        products=products or (name,),
        height_a=1.2,
        slab_moved_a=0.1,
        intact=products is None,
        max_force_ev_per_a=0.01,
        force_calls=20,
        structure=structure,
    )

    def given(value, text):
        if value is None:
            return ReferenceEnergy(reason=f"no {text}")
        return ReferenceEnergy(reference=text, offset_ev=value + 10.0)

    base = References(
        radical=given(radical, f"{name} alone, relaxed"),
        half_x2=given(half, f"half of {name}2"),
        bulk=given(None, "metal"),
        ion=given(None, "ion"),
    )
    return AdsorptionDocument(
        kind="adsorption",
        level=level,
        geometry_level=LEVELS[level] or level,
        fragment=name,
        slab_label=SLAB,
        ends=[end],
        best=0 if products is None else None,
        lowest=0,
        energies=base.at(-10.0) if products is None else base,
        dissociated_ev=None if products is None else -10.0 + base.radical.offset_ev,
        structure=structure,
        input_hash=f"{name}-{level}",
        warnings=["<script>alert(1)</script>"],
    )


def build(path):
    """Return (database, campaign id)."""
    database = Database(path)
    campaign = Campaign.model_validate(tomllib.loads(TEXT))
    number = database.register_campaign(campaign, TEXT, "surf.toml", ())
    rows = [document(n, level, *e) for (n, level), e in ENERGIES.items()]
    rows.append(document("OH", "mlip:7net-0", -8.0, None, ("H", "O")))
    rows.append(document("Cl", "gpaw:pbe", None, None))
    jobs = [
        {
            "uuid": one.input_hash,
            "name": f"adsorption {one.fragment}",
            "kind": "adsorption",
            "candidate": one.fragment,
            "form": SLAB,
            "species": f"{one.fragment} on {SLAB}",
            "level": one.level,
            "geometry_level": LEVELS[one.level],
        }
        for one in rows
    ]
    database.add_jobs(number, jobs)
    for job, one in zip(jobs, rows, strict=True):
        database.record(JobRef(**job), one, None, "COMPLETED", wall_s=1.0)
    return database, number
