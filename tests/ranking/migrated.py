"""A database with migration documents, written through the real Database.

Barriers of 7net-0 and CHGNet, and PBE single points, rounded; MgF2 stands for a failed phase.
"""

import tomllib

from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
from mgscreen.calculations.phase_migration_dft import DftPoint, PhaseMigrationDftDocument
from mgscreen.campaign.models import Campaign
from mgscreen.core.structure import AtomicStructure
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef
from mgscreen.energetics.diffusion import hopping_rate

TEXT = """
name = "barriers"
[migration]
phases = ["MgO", "MgBr2", "MgF2"]
dft = "escalate"
"""
BARRIERS = {
    ("MgO", "mlip:chgnet"): 1.73,
    ("MgO", "mlip:7net-0"): 1.87,
    ("MgBr2", "mlip:chgnet"): 0.64,
    ("MgBr2", "mlip:7net-0"): 0.73,
    ("MgF2", "mlip:chgnet"): None,
}


def structure(x):
    return AtomicStructure(
        symbols=("O", "Mg"),
        positions=((0, 0, 0), (x, 2, 2)),
        cell=((6, 0, 0), (0, 6, 0), (0, 0, 6)),
        pbc=(True, True, True),
    )


def searched(phase, level, barrier):
    hop = HopRecord(
        name="vacancy-1",
        mechanism="vacancy",
        distance_a=2.0,
        direction=(1.0, 0.0, 0.0),
        multiplicity=12,
        symmetric=True,
        dimension=3,
        state="failed" if barrier is None else "completed",
        reason="not converged in 400 force calls" if barrier is None else "",
        method="plane",
        barrier_ev=barrier,
        barrier_backward_ev=barrier,
        limiting_ev=barrier,
        verified=None if barrier is None else True,
        force_calls=30,
        coordinates_a=[0.0, 0.5, 1.0, 1.5, 2.0],
        energies_ev=[0.0, 0.3, barrier or 0.9, 0.3, 0.0],
        initial_energy_ev=-100.0,
        initial=structure(0.0),
        saddle=structure(1.0),
        mobile=1,
    )
    document = PhaseMigrationDocument(
        kind="phase_migration",
        level=level,
        phase=phase,
        structure=structure(0.0),
        hops=[hop],
        input_hash=f"{phase}-{level}",
    )
    if barrier is None:
        document.state, document.reason = "failed", "no converged set of hops percolates"
        return document
    document.barrier_ev, document.dimension = barrier, 3
    document.path, document.mechanism = ["vacancy-1"], "vacancy"
    document.formation_ev = 2.5
    document.rate_hz, document.diffusivity_cm2_s = hopping_rate(barrier, 298.15), 1e-34
    return document


def checked(phase, neutral, charged):
    points = [
        DftPoint(hop="vacancy-1", charge_state=state, charge=q, level="gpaw:pbe", barrier_ev=value)
        for state, q, value in (("neutral", 0, neutral), ("charged", -2, charged))
    ]
    return PhaseMigrationDftDocument(
        kind="phase_migration_dft",
        level="gpaw:pbe",
        phase=phase,
        structure=structure(0.0),
        points=points,
        barrier_ev=neutral,
        charged_ev=charged,
        rate_hz=hopping_rate(neutral, 298.15),
        path=["vacancy-1"],
        mechanism="vacancy <script>alert(1)</script>",
        input_hash=f"{phase}-gpaw:pbe",
    )


def build(path):
    """Return (database, campaign id)."""
    database = Database(path)
    campaign = Campaign.model_validate(tomllib.loads(TEXT))
    number = database.register_campaign(campaign, TEXT, "barriers.toml", ())
    rows = [searched(*key, value) for key, value in BARRIERS.items()]
    rows.append(checked("MgO", 2.00, 2.02))
    jobs = [
        {
            "uuid": one.input_hash,
            "name": f"migration {one.phase}",
            "kind": one.kind,
            "candidate": one.phase,
            "form": "Mg migration",
            "species": f"Mg in {one.phase}",
            "level": one.level,
            "geometry_level": "mlip:7net-0" if one.level.startswith("gpaw") else "",
        }
        for one in rows
    ]
    database.add_jobs(number, jobs)
    for job, one in zip(jobs, rows, strict=True):
        state = "FAILED" if one.state == "failed" else "COMPLETED"
        database.record(JobRef(**job), one, None, state, wall_s=1.0)
    return database, number
