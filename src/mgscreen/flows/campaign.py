"""The DAG of a whole campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobflow import Flow

from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import campaign_levels
from mgscreen.flows.molecules import SpeciesJobs, SpeciesMaker, binding_job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobflow import Job

    from mgscreen.campaign.models import Campaign
    from mgscreen.candidates.resolve import Resolved
    from mgscreen.core.species import Species
    from mgscreen.engines.level import Level

_COSTLY = ("redox-vertical", "redox-adiabatic")


def campaign_flow(campaign: Campaign, resolved: Resolved, base: Path | None = None) -> Flow:
    """Return the jobflow Flow of a campaign.

    One sub-flow per species and the binding energies; then the crystals that the solid parts
    share, and a sub-flow per slab, phase or reaction.

    Parameters
    ----------
    campaign
        The campaign.
    resolved
        Its candidates and species.
    base
        Folder that the paths of users' files are relative to: that of the campaign file.

    Returns
    -------
    Flow
        A plain jobflow Flow; ``mgscreen.execution`` runs it, and so does any jobflow manager.
    """
    children = _molecules(campaign, resolved) if campaign.has_molecules else []
    solids = _solids(campaign, base, children)
    return Flow([*children, *solids], name=f"campaign {campaign.name}")


def _solids(campaign: Campaign, base: Path | None, molecules: list[Flow | Job]) -> list[Flow | Job]:
    """Return the flows of slabs, barriers and phases behind the crystals that they share."""
    crystals = CrystalJobs(base)
    flows: list[Flow | Job] = []
    if campaign.stability is not None:
        from mgscreen.flows.stability import stability_flows

        flows += stability_flows(campaign, crystals, base)
    if campaign.surfaces is not None:
        from mgscreen.flows.adsorption import adsorption_flows

        flows += adsorption_flows(campaign, crystals, base, molecules=molecules)
    if campaign.migration is not None:
        from mgscreen.flows.migration import migration_flows

        flows += migration_flows(campaign, crystals, base)
    shared: list[Flow | Job] = [*crystals.jobs]
    return [Flow(shared, name="crystals"), *flows] if shared else flows


def _molecules(campaign: Campaign, resolved: Resolved) -> list[Flow | Job]:
    levels = campaign_levels(campaign)
    made: list[SpeciesJobs] = []
    hosts = {c.name for c in resolved.candidates if c.is_host}
    for species in resolved.species:
        maker = SpeciesMaker(
            name="species",
            levels=levels,
            properties=_properties(campaign, species, is_host=species.candidate in hosts),
            conformers=campaign.molecules.conformers,
            metal=campaign.anode.metal,
            both_directions=species.candidate in hosts
            or campaign.molecules.redox_directions == "both",
            probe_bonds=campaign.molecules.probe_bonds,
            cubes=campaign.molecules.cubes,
        )
        made.append(maker.jobs(species))
    children: list[Flow | Job] = [
        Flow([*one.jobs], name=f"species {one.species.label}") for one in made if one.jobs
    ]
    if "binding" in campaign.molecules.properties:
        children += _bindings(made, levels)
    return children


def _properties(campaign: Campaign, species: Species, *, is_host: bool) -> tuple[str, ...]:
    wanted = list(campaign.molecules.properties)
    if species.form == "metal-ion":
        return ("orbitals",) if {"binding", "orbitals"} & set(wanted) else ()
    asked = campaign.molecules.redox_of
    if asked != "all" and species.candidate not in asked and not is_host:
        wanted = [p for p in wanted if p not in _COSTLY]
    asked = campaign.molecules.esp_of
    if asked != "all" and species.candidate not in asked:
        wanted = [p for p in wanted if p != "esp"]
    return tuple(wanted)


def _bindings(made: list[SpeciesJobs], levels: Mapping[str, Level]) -> list[Job]:
    """One job for each complex whose every part is computed on its own."""
    alone = {
        (c.smiles, c.charge): one
        for one in made
        for c in one.species.components
        if len(one.species.components) == 1 and c.count == 1
    }
    jobs = []
    for one in made:
        components = one.species.components
        if one.species.metal is None or one.species.form == "metal-ion":
            continue
        parts = [alone.get((c.smiles, c.charge)) for c in components]
        if all(p is not None and p.orbitals is not None for p in parts) and one.orbitals:
            known = [p for p in parts if p is not None]
            jobs.append(binding_job(one, known, [c.count for c in components], levels))
    return jobs
