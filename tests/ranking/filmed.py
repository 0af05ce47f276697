"""A database with every part of the chain from an additive to its film.

Free energies of formation of the phases: CRC Handbook, eV per formula (-1071.1, -569.3, -591.8,
-503.8, -341.8 kJ/mol for MgF2, MgO, MgCl2, MgBr2, MgS), elements at zero. Barriers, gaps and
adsorption energies are set by the tests: they decide what is asserted.
"""

import tomllib

import adsorbed
from published import (
    DME,
    PFTB,
    TFSI,
    Published,
    Row,
    failure,
    fraction,
    potential,
)

from mgscreen.calculations.phases import Energy, StabilityDocument
from mgscreen.campaign.models import Campaign
from mgscreen.core.documents import PropertyValue
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef

LEVEL = "mlip:7net-0"
DFT = "gpaw:pbe"
SLAB = adsorbed.SLAB
FORMATION = {"MgF2": -11.10, "MgO": -5.90, "MgCl2": -6.13, "MgBr2": -5.22, "MgS": -3.54}
ELEMENTS = ("Mg", "F2", "O2", "Cl2", "Br2", "S", "C")
TEXT = """
name = "filmed"

[host]
solvent = "DME"
salts = []

[candidates]
library = ["TFSI", "PFTB"]

[levels]
redox = "pyscf:b3lyp/6-31+g(d)"

[surfaces]
fragments = ["F", "O", "Cl"]
reference = "half-x2"

[migration]
phases = ["MgO"]

[stability]
phases = ["MgO"]

[ranking]
uncertainty = 0.25
"""
BRCL = Row("BRCL", "an alkyl halide")
WHOLE = Row("WHOLE", "stays whole")
FLUORO = Row("FLUORO", "loses fluorine")
GAPS = {"MgF2": 6.8, "MgO": 4.5, "MgCl2": 5.6, "MgBr2": 4.5}
BARRIERS = {"MgF2": 0.4, "MgO": 1.9, "MgCl2": 0.5, "MgBr2": 0.5}
BOUND = {"F": -4.7, "O": -4.2, "Cl": -2.5}
OXIDATION = {"MgF2": 5.55, "MgO": 2.95, "MgCl2": 3.07, "MgBr2": 2.61}


def reduced(name, pieces, broken, value=1.2):
    return (
        name,
        "molecule",
        name,
        [
            potential("reduction", value, "adiabatic"),
            potential("oxidation", 7.0, "adiabatic"),
            PropertyValue(property="reduction_broken_bonds", text=broken),
            PropertyValue(property="reduction_fragments", text=pieces),
        ],
    )


SALT = [
    (
        "TFSI",
        "contact-ion-pair",
        "[MgTFSI]+",
        [
            potential("reduction", 1.11, "adiabatic"),
            fraction("metal", 0.1),
            fraction("anion", 0.9),
            PropertyValue(property="reduction_broken_bonds", text="C-S"),
            PropertyValue(property="reduction_fragments", text="CF3 + CF3NO4S2 + Mg"),
        ],
    ),
    ("TFSI", "ion", "TFSI-", [potential("oxidation", 5.73, "adiabatic")]),
    ("PFTB", "ion", "PFTB-", [potential("oxidation", 4.41, "adiabatic")]),
    ("PFTB", "contact-ion-pair", "[MgPFTB]+", [failure("reduction_potential_adiabatic", "no SCF")]),
    (
        "DME",
        "molecule",
        "DME",
        [potential("oxidation", 5.19, "adiabatic"), potential("reduction", -2.28, "adiabatic")],
    ),
]
MOLECULES = (
    *SALT,
    reduced("BRCL", "C3H7 + Cl", "C-Cl"),
    reduced("FLUORO", "C2H5 + F", "C-F"),
    reduced("WHOLE", "Cl4Si", "none"),
)
CANDIDATES = (TFSI, PFTB, BRCL, WHOLE, FLUORO, DME)


def stability(phase):
    energies = [
        Energy(name=n, formula=n, pbe_ev=0.0, correction_ev=0.0, legacy_ev=0.0) for n in ELEMENTS
    ] + [
        Energy(name=n, formula=n, pbe_ev=e, correction_ev=0.0, legacy_ev=0.0)
        for n, e in FORMATION.items()
    ]
    document = StabilityDocument(
        kind="stability", level=LEVEL, phase=phase, formula=phase, energies=energies
    )
    document.formation_energy_ev = FORMATION[phase] / 3
    document.oxidation_limit_v = OXIDATION.get(phase)
    document.stable_at_metal, document.reduction_limit_v = True, None
    document.above_hull_ev = 0.0
    return document


def build(path, *, gaps=GAPS, barriers=BARRIERS, bound=BOUND, molecules=MOLECULES, text=TEXT):
    """Return (database, campaign id)."""
    campaign = Campaign.model_validate(tomllib.loads(text))
    database = Database(path)
    number = database.register_campaign(campaign, text, "filmed.toml", CANDIDATES)
    jobs = []

    def add(document, kind, candidate, form, species, level):
        identity = f"{kind}-{candidate}-{form}-{level}"
        document.input_hash = identity
        document.level = level
        job = {
            "uuid": identity,
            "name": f"{kind} {species}",
            "kind": kind,
            "candidate": candidate,
            "form": form,
            "species": species,
            "level": level,
        }
        jobs.append((job, document))

    for candidate, form, species, rows in molecules:
        document = Published(kind="redox_adiabatic", rows=rows)
        if all(r.state == "failed" for r in rows):
            document.state, document.reason = "failed", rows[0].reason
        level = "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)"
        add(document, "redox_adiabatic", candidate, form, species, level)
    for phase in OXIDATION:
        add(stability(phase), "stability", phase, "crystal", phase, LEVEL)
    for phase, gap in gaps.items():
        rows = [PropertyValue(property="band_gap", value=gap, unit="eV")]
        document = Published(kind="crystal_electronic", rows=rows)
        add(document, "crystal_electronic", phase, "crystal", phase, DFT)
    for phase, barrier in barriers.items():
        rows = [PropertyValue(property="percolating_barrier", value=barrier, unit="eV")]
        document = Published(kind="phase_migration", rows=rows)
        add(document, "phase_migration", phase, "Mg migration", phase, LEVEL)
    for fragment, energy in bound.items():
        document = adsorbed.document(fragment, LEVEL, energy - 1.0, energy)
        add(document, "adsorption", fragment, SLAB, f"{fragment} on {SLAB}", LEVEL)
    database.add_jobs(number, [job for job, _ in jobs])
    for job, document in jobs:
        state = "FAILED" if document.state == "failed" else "COMPLETED"
        database.record(JobRef(**job), document, None, state, wall_s=1.0)
    return database, number
