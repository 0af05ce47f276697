"""A database with independently computed numbers, written through the real Database.

B3LYP with C-PCM (dielectric constant 7.2), GFN2-xTB geometries, one conformer each: vertical
potentials at 6-31+G(d), levels at 6-31G(d) with Cartesian d functions in the gas phase. TFSI and
PFTB are the two salts of d6ee01732k (Energy Environ. Sci. 2026), DME its solvent.
"""

import json
from dataclasses import dataclass

from pydantic import Field

from mgscreen.campaign.models import Campaign
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef

REDOX = "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)"
LEVELS = "pyscf:b3lyp/6-31g(d)"
GEOMETRY = "xtb:gfn2"
MG = "Mg2+/Mg (SHE 4.44 V)"
SOLVENT = "C-PCM eps=7.2"

CAMPAIGN = """
name = "{name}"
description = "Two salts in DME"

[cathode]
name = "Mo6S8"
window = [0.9, 2.5]
leakage = [2.5, 2.6, 2.7]

[host]
solvent = "DME"
salts = [{salts}]

[candidates]
library = ["TFSI", "PFTB"]

[levels]
redox = "pyscf:b3lyp/6-31+g(d)"

[ranking]
potential = "vertical"
uncertainty = 0.25
"""


@dataclass
class Row:
    """A candidate as the library describes it."""

    name: str
    description: str = ""
    charge: int = 0
    is_host: bool = False
    kind: str = "additive"
    smiles: str = ""
    formula: str = ""
    multiplicity: int = 1
    role_hypothesis: str = ""
    why: str = ""
    source: str = ""


class Published(Document):
    """A document that gives the rows that it was made with."""

    rows: list[PropertyValue] = Field(default_factory=list)

    def properties(self):
        return self.rows


TFSI = Row("TFSI", "bis(trifluoromethanesulfonyl)imide", -1, kind="anion")
PFTB = Row("PFTB", "perfluoro-tert-butoxide", -1, kind="anion")
DME = Row("DME", "1,2-dimethoxyethane", 0, is_host=True, kind="solvent")


def potential(side, value, kind="vertical", **more):
    return PropertyValue(
        property=f"{side}_potential_{kind}",
        value=value,
        unit="V",
        environment=SOLVENT,
        reference=MG,
        **more,
    )


def fraction(on, value, side="reduction"):
    return PropertyValue(property=f"{side}_on_{on}", value=value, unit="1", environment=SOLVENT)


def level(name, value, text=None):
    return PropertyValue(property=name, value=value, text=text, unit="eV")


def failure(name, reason, unit="V"):
    return PropertyValue(property=name, unit=unit, state="failed", reason=reason)


def split(metal):
    return [fraction("metal", metal), fraction("anion", round(1 - metal, 2))]


PUBLISHED = [
    ("TFSI", "ion", "TFSI-", [potential("oxidation", 5.73), potential("reduction", -2.18)]),
    ("TFSI", "contact-ion-pair", "[MgTFSI]+", [potential("reduction", 1.11), *split(0.18)]),
    ("PFTB", "ion", "PFTB-", [potential("oxidation", 4.41)]),
    ("PFTB", "contact-ion-pair", "[MgPFTB]+", [potential("reduction", 1.65), *split(0.76)]),
    ("DME", "molecule", "DME", [potential("oxidation", 5.19), potential("reduction", -2.28)]),
    ("TFSI", "ion", "TFSI-", [level("homo", -3.56), level("lumo", 4.84, "unbound")]),
    ("TFSI", "contact-ion-pair", "[MgTFSI]+", [level("homo", -13.18), level("lumo", -7.24)]),
    ("TFSI", "salt", "Mg(TFSI)2", [level("homo", -8.97), level("lumo", -0.68)]),
    ("PFTB", "ion", "PFTB-", [level("homo", -0.91), level("lumo", 7.68, "unbound")]),
    ("PFTB", "contact-ion-pair", "[MgPFTB]+", [level("homo", -12.68), level("lumo", -8.51)]),
    ("PFTB", "salt", "Mg(PFTB)2", [level("homo", -8.08), level("lumo", 0.40)]),
    ("DME", "molecule", "DME", [level("homo", -6.67), level("lumo", 2.57)]),
]


def build(path, rows=PUBLISHED, candidates=(TFSI, PFTB, DME), name="two-salts", text=CAMPAIGN):
    """Write a database and return (database, campaign id)."""
    import tomllib

    salts = [c.name for c in candidates if c.is_host and c.charge < 0]
    source = text.format(name=name, salts=", ".join(json.dumps(s) for s in salts))
    campaign = Campaign.model_validate(tomllib.loads(source))
    database = Database(path)
    number = database.register_campaign(campaign, source, "two-salts.toml", candidates)
    jobs = []
    for place, (candidate, form, species, values) in enumerate(rows):
        redox = any("reduction" in v.property or "oxidation" in v.property for v in values)
        kind = "redox_vertical" if redox else "orbitals"
        if any("adiabatic" in v.property for v in values):
            kind = "redox_adiabatic"
        at = f"{REDOX}" if redox else LEVELS
        jobs.append((place, candidate, form, species, values, kind, at))
    database.add_jobs(
        number,
        [
            {
                "uuid": f"{name}-{place}",
                "name": f"{kind} {species}",
                "kind": kind,
                "candidate": candidate,
                "form": form,
                "species": species,
                "level": at,
            }
            for place, candidate, form, species, _, kind, at in jobs
        ],
    )
    for place, candidate, form, species, values, kind, at in jobs:
        failed = all(v.state == "failed" for v in values)
        document = Published(
            kind=kind,
            level=at,
            code="PySCF",
            code_version="2.14.0",
            input_hash=f"{name}-{place:04d}",
            rows=values,
            wall_s=12.5,
            cpu_s=12.0,
            peak_memory_mb=800.0,
            host="node1",
            state="failed" if failed else "completed",
            reason=values[0].reason if failed else "",
            warnings=["one conformer"],
            files={"density": f"{species}.cube"},
        )
        job = JobRef(
            uuid=f"{name}-{place}",
            name=f"{kind} {species}",
            kind=kind,
            candidate=candidate,
            form=form,
            species=species,
            level=at,
            geometry_level=GEOMETRY,
        )
        state = "FAILED" if failed else "COMPLETED"
        database.record(job, document, None, state, wall_s=12.5)
    return database, number
