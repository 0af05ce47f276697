"""The same DFT campaign on this machine and through SLURM: the same values, the same ranking."""

from __future__ import annotations

import json

import pytest
from command_line_for_tests import mgscreen

from mgscreen.database.database import Database

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900), pytest.mark.usefixtures("slurm")]

WITHIN = 1e-6
CAMPAIGN = """
name = "same"
[candidates]
inline = [{ name = "water", smiles = "O" }, { name = "ammonia", smiles = "N" }]
[molecules]
properties = ["orbitals"]
conformers = 1
[host]
salts = []
[levels]
electronic = "pyscf:b3lyp/6-31g(d)"
"""
PROFILE = """
name = "one-node"
scheduler = "slurm"
address = "127.0.0.1"
idle_s = 5
[heartbeat]
period_s = 2
threshold_s = 30
poll_s = 1.0
[classes.molecule]
partition = "test"
walltime = "00:20:00"
cores = 2
memory_gb = 6
memory_per_task_gb = 3.0
"""


def values(folder):
    with Database(folder / "results/same/mgscreen.db", read_only=True) as db:
        frame = db.frame_properties()
    keys = ["candidate", "form", "species", "property", "method", "environment"]
    return {
        tuple(row[k] for k in keys): (row["state"], row["value"], row["unit"])
        for row in frame.to_dict("records")
    }


def test_laptop_and_slurm_agree(tmp_path):
    ends = {}
    for where in ("laptop", "slurm"):
        folder = tmp_path / where
        folder.mkdir()
        (folder / "same.toml").write_text(CAMPAIGN)
        (folder / "cluster.toml").write_text(PROFILE)
        how = ["run"] if where == "laptop" else ["submit", "--cluster", "cluster.toml"]
        mgscreen(*how, "same.toml", "--no-report", "-q", cwd=folder)
        told = mgscreen("rank", "additives", "same", "--format", "json", cwd=folder)
        ranking = json.loads(told.stdout)
        ends[where] = values(folder), ranking
    (mine, first), (theirs, second) = ends.values()
    assert mine.keys() == theirs.keys()
    assert sum(unit == "eV" for _, _, unit in mine.values()) >= 6
    for key, (state, value, _) in mine.items():
        assert theirs[key][0] == state, key
        assert theirs[key][1] == pytest.approx(value, abs=WITHIN, nan_ok=True), key
    kept = ("rank", "candidate", "role", "state", "reason")
    order = [[tuple(row[k] for k in kept) for row in rows] for rows in (first, second)]
    assert order[0] == order[1]
    assert {row[1] for row in order[0]} >= {"water", "ammonia"}
