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


def test_fireworks_takes_the_flow(loaded):
    """No server is needed to turn a flow into a workflow; the links are those of the flow."""
    try:
        from jobflow.managers.fireworks import flow_to_workflow
    except ImportError:
        pytest.skip("FireWorks is not installed: pip install fireworks")
    flow = flow_of(loaded)
    jobs = list(flow.iterflow())
    workflow = flow_to_workflow(flow)
    assert [fw.name for fw in workflow.fws] == [job.name for job, _ in jobs]
    ids = {fw.tasks[0]["job"].uuid: fw.fw_id for fw in workflow.fws}
    for job, parents in jobs:
        found = {p for p, children in workflow.links.items() if ids[job.uuid] in children}
        assert found == {ids[parent] for parent in parents}
    again = type(workflow).from_dict(workflow.to_dict())
    assert len(again.fws) == len(jobs)
