"""The DAG of a campaign: which jobs, at which levels, in which order."""

import doctest
from pathlib import Path

import pytest

import mgscreen.flows.molecules as molecules_module
from mgscreen.campaign.loader import load_campaign
from mgscreen.candidates.resolve import resolve
from mgscreen.flows.campaign import campaign_flow
from mgscreen.flows.levels import campaign_levels
from mgscreen.flows.molecules import relevant_directions


def build(tmp_path: Path, text: str):
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load_campaign(path)
    resolved = resolve(loaded.campaign, source=loaded.source, base=tmp_path)
    return loaded.campaign, resolved, campaign_flow(loaded.campaign, resolved)


BASIC = """
name = "c"
[host]
solvent = "DME"
salts = ["ALCL4"]
[candidates]
library = ["TFSI", "H2O"]
"""


def jobs_of(flow):
    return {job.name: job for job, _ in flow.iterflow()}


def test_every_species_has_every_property(tmp_path):
    _, _, flow = build(tmp_path, BASIC)
    names = set(jobs_of(flow))
    for label in ("TFSI-", "[MgTFSI]+", "H2O", "DME", "ALCL4-"):
        for kind in ("geometry", "orbitals", "esp", "redox_vertical", "redox_adiabatic"):
            assert f"{kind} {label}" in names
    assert "binding [MgTFSI]+" in names
    assert "orbitals Mg2+" in names
    assert "redox_vertical Mg2+" not in names


def test_an_anion_is_oxidised_alone_and_reduced_as_a_pair(tmp_path):
    _, _, flow = build(tmp_path, BASIC)
    jobs = jobs_of(flow)

    def directions(name):
        return tuple(jobs[name].function_kwargs["directions"])

    assert directions("redox_vertical TFSI-") == ("oxidation",)
    assert directions("redox_vertical [MgTFSI]+") == ("reduction",)
    assert directions("redox_vertical H2O") == ("reduction", "oxidation")
    # the host sets the limits on both sides
    assert directions("redox_vertical ALCL4-") == ("reduction", "oxidation")


def test_both_directions_on_request(tmp_path):
    text = BASIC + '[molecules]\nredox_directions = "both"\n'
    _, resolved, flow = build(tmp_path, text)
    jobs = jobs_of(flow)
    assert tuple(jobs["redox_vertical TFSI-"].function_kwargs["directions"]) == (
        "reduction",
        "oxidation",
    )
    cation = next(s for s in resolved.species if s.form == "contact-ion-pair")
    assert relevant_directions(cation) == ("reduction",)


def test_potentials_only_of_those_that_were_asked_for_and_of_the_host(tmp_path):
    text = BASIC + '[molecules]\nredox_of = ["TFSI"]\nesp_of = []\n'
    _, _, flow = build(tmp_path, text.replace("esp_of = []\n", 'esp_of = ["H2O"]\n'))
    names = set(jobs_of(flow))
    assert "redox_vertical H2O" not in names
    assert {"redox_vertical TFSI-", "redox_vertical DME", "esp H2O"} <= names
    assert "esp TFSI-" not in names


def test_paper_preset_optimises_then_checks_frequencies_then_computes_orbitals(tmp_path):
    text = BASIC + (
        '[molecules]\nproperties = ["orbitals", "frequencies"]\n'
        '[levels]\npreset = "dual-additive-molecule"\n'
    )
    _, _, flow = build(tmp_path, text)
    order = [job.name for job, _ in flow.iterflow() if job.name.endswith(" H2O")]
    assert order == ["geometry H2O", "geometry H2O", "frequencies H2O", "orbitals H2O"]
    jobs = {job.name: job for job, _ in flow.iterflow()}
    parent = jobs["orbitals H2O"].function_kwargs["structure"]
    assert parent.uuid == jobs["frequencies H2O"].uuid


def test_potentials_are_put_into_the_hosts_continuum(tmp_path):
    campaign, _, _ = build(tmp_path, BASIC.replace('salts = ["ALCL4"]', "dielectric = 20.6"))
    levels = campaign_levels(campaign)
    assert str(levels["redox"]) == "pyscf:b3lyp/6-31g(d)/cpcm(20.6)"
    assert levels["electronic"].environment == "gas"


def test_a_stated_solvent_is_kept(tmp_path):
    text = BASIC + '[levels]\nredox = "pyscf:pbe0/def2-svp/cpcm(4.0)"\n'
    campaign, _, _ = build(tmp_path, text)
    assert str(campaign_levels(campaign)["redox"]) == "pyscf:pbe0/def2-svp/cpcm(4)"


def test_settings_of_the_campaign_are_added_to_those_of_the_preset(tmp_path):
    text = BASIC + "[levels.settings.pyscf]\ngrid = 4\n"
    campaign, _, _ = build(tmp_path, text)
    settings = campaign_levels(campaign)["electronic"].settings
    assert settings["grid"] == 4
    assert settings["conv_tol"] == pytest.approx(1e-6)


@pytest.mark.parametrize("metal", ["Li", "Na", "K", "Ca", "Zn", "Al"])
def test_the_anode_metal_is_a_parameter(tmp_path, metal):
    text = f'{BASIC}[anode]\nmetal = "{metal}"\n'
    _, resolved, flow = build(tmp_path, text)
    pair = next(s for s in resolved.species if s.form == "contact-ion-pair")
    assert pair.metal.name == metal
    jobs = jobs_of(flow)
    assert jobs[f"redox_vertical {pair.label}"].function_kwargs["metal"] == metal


def test_every_job_says_what_it_is_and_what_it_costs(tmp_path):
    _, _, flow = build(tmp_path, BASIC)
    for job, _ in flow.iterflow():
        assert set(job.metadata) >= {"kind", "candidate", "form", "species", "level", "cost_s"}
        assert job.metadata["cost_s"] > 0


def test_shipped_campaigns_make_flows():
    for name in ("laptop", "dual-additive", "library"):
        loaded = load_campaign(Path(name))
        flow = campaign_flow(loaded.campaign, resolve(loaded.campaign, source=loaded.source))
        assert len(list(flow.iterflow())) > 50


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(molecules_module).failed == 0
