"""A database with every part of a report, in which each text tries to break out of the page."""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "ranking"))

import adsorbed
import filmed
import migrated
from published import Published

from mgscreen.campaign.models import Campaign
from mgscreen.core.documents import PropertyValue
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef
from mgscreen.database.reference import load_references

EVIL = '</script><script>document.title="owned"</script>'
ATTRIBUTE = "\"><img src=x onerror=\"document.title='owned'\">'{{ 7 * 7 }}"
FORMULA = '=HYPERLINK("http://x.invalid","open")'
POTENTIALS = ("mlip:chgnet", "mlip:7net-0")


def documents():
    """Return (kind, candidate, form, species, level, document) of every part."""
    for candidate, form, species, rows in filmed.MOLECULES:
        level = "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)"
        document = Published(kind="redox_adiabatic", rows=rows, warnings=[EVIL])
        if all(r.state == "failed" for r in rows):
            document.state, document.reason = "failed", f"{EVIL} {ATTRIBUTE}"
        yield "redox_adiabatic", candidate, form, species, level, document
    for level in POTENTIALS:
        for phase in filmed.OXIDATION:
            document = filmed.stability(phase)
            document.missing = [EVIL]
            yield "stability", phase, "crystal", phase, level, document
        hostile = filmed.stability("MgO")
        hostile.phase = EVIL
        yield "stability", EVIL, "crystal", ATTRIBUTE, level, hostile
        for phase, barrier in {"MgO": 1.8, "MgF2": 0.9, "MgBr2": 0.7, EVIL: 0.65}.items():
            document = migrated.searched(phase, level, barrier)
            document.hops[0].reason = ATTRIBUTE
            yield "phase_migration", phase, "Mg migration", f"Mg in {phase}", level, document
    checked = migrated.checked("MgO", 2.0, 2.02)
    yield "phase_migration_dft", "MgO", "Mg migration", "Mg in MgO", "gpaw:pbe", checked
    for phase, gap in filmed.GAPS.items():
        rows = [PropertyValue(property="band_gap", value=gap, unit="eV")]
        document = Published(kind="crystal_electronic", rows=rows)
        yield "crystal_electronic", phase, "crystal", phase, "gpaw:pbe", document
    for (name, level), energies in adsorbed.ENERGIES.items():
        document = adsorbed.document(name, level, *energies)
        yield "adsorption", name, adsorbed.SLAB, f"{name} on slab", level, document
    broken = adsorbed.document("CF3", "mlip:7net-0", -8.0, None, (ATTRIBUTE, EVIL))
    yield "adsorption", "CF3", adsorbed.SLAB, ATTRIBUTE, "mlip:7net-0", broken


def build(path):
    """Return (database, campaign id)."""
    text = filmed.TEXT.replace('["F", "O", "Cl"]', '["F", "O", "Cl", "CF3"]')
    text = text.replace('phases = ["MgO"]', 'phases = ["MgO", "MgF2", "MgBr2"]')
    text += f"# {EVIL}\n"
    campaign = Campaign.model_validate(tomllib.loads(text))
    database = Database(path)
    number = database.register_campaign(campaign, text, f"{ATTRIBUTE}.toml", filmed.CANDIDATES)
    jobs = []
    for kind, candidate, form, species, level, document in documents():
        document.input_hash = f"{kind}-{len(jobs):03d}"
        document.kind, document.level = kind, level
        document.code, document.code_version = ATTRIBUTE, "1.0"
        jobs.append(
            (
                {
                    "uuid": document.input_hash,
                    "name": f"{kind} {species}",
                    "kind": kind,
                    "candidate": candidate,
                    "form": form,
                    "species": species,
                    "level": level,
                },
                document,
            )
        )
    failed = {
        "uuid": "failed",
        "name": FORMULA,
        "kind": "orbitals",
        "candidate": FORMULA,
        "form": "ion",
        "species": FORMULA,
        "level": "pyscf:b3lyp/6-31g(d)",
    }
    document = Published(kind="orbitals", state="failed", reason=FORMULA, input_hash="failed")
    document.rows = [
        PropertyValue(property="homo", state="failed", reason=FORMULA, unit="eV"),
        PropertyValue(property="space_group", text="@SUM(1+1)*cmd|' /C calc'!A0"),
    ]
    jobs.append((failed, document))
    load_references(database)
    database.add_jobs(number, [job for job, _ in jobs])
    for job, document in jobs:
        state = "FAILED" if document.state == "failed" else "COMPLETED"
        database.record(JobRef(**job), document, None, state, wall_s=1.0)
    return database, number
