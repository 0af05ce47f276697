"""The flows are plain jobflow: another manager takes them, and gets the same numbers."""

from __future__ import annotations

import pytest

CAMPAIGN = """
name = "plain"
[candidates]
inline = [{ name = "water", smiles = "O" }]
[molecules]
properties = ["orbitals"]
conformers = 1
[host]
salts = []
[levels]
electronic = "xtb:gfn2"
"""


@pytest.fixture
def loaded(tmp_path):
    from mgscreen.campaign.loader import load_campaign

    path = tmp_path / "plain.toml"
    path.write_text(CAMPAIGN)
    return load_campaign(path)


def flow_of(loaded):
    from mgscreen.candidates.resolve import resolve
    from mgscreen.flows.campaign import campaign_flow

    return campaign_flow(loaded.campaign, resolve(loaded.campaign), loaded.path.parent)


def test_run_locally_gives_what_the_driver_gives(loaded, tmp_path):
    from jobflow import run_locally

    from mgscreen.core.runtime import Runtime, use_runtime
    from mgscreen.database.database import Database
    from mgscreen.execution.driver import run_flow

    with use_runtime(Runtime(scratch=tmp_path / "jobflow")):
        responses = run_locally(flow_of(loaded), ensure_success=True)
    theirs = {
        document.structure.label: document.homo_ev
        for one in responses.values()
        for response in one.values()
        if (document := response.output).kind == "orbitals"
    }
    with Database(tmp_path / "a.db") as db:
        campaign = db.register_campaign(loaded.campaign, loaded.text, loaded.path, [])
        flow = flow_of(loaded)
        summary = run_flow(flow, db, campaign, workers=1, runtime=Runtime(scratch=tmp_path / "s"))
        assert summary.ok
        frame = db.frame_properties(property="homo")
    mine = dict(zip(frame["species"], frame["value"], strict=True))
    assert theirs
    assert mine == pytest.approx(theirs, abs=1e-6)
