"""The DAG of adsorption: gas references, clean slabs, the search by potentials, then DFT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.campaign.surfaces import SlabSpec, Surfaces
from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level
from mgscreen.flows.adsorption_jobs import GasJobs, SlabJobs, adsorption_job, labels, outputs
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import SolidLevels, solid_levels
from mgscreen.structures.fragments import fragment, from_smiles, from_xyz

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mgscreen.campaign.models import Campaign
    from mgscreen.core.structure import AtomicStructure


def adsorption_flows(
    campaign: Campaign,
    crystals: CrystalJobs,
    base: Path | None,
    molecules: Iterable[Flow | Job] = (),
) -> list[Flow | Job]:
    """Return the flows of the section ``surfaces`` of a campaign.

    Parameters
    ----------
    campaign
        With the section.
    crystals
        The crystals that the campaign's flows share.
    base
        Folder that users' paths are relative to.
    molecules
        The flows of the campaign's molecules, for ``from_molecules``.

    Raises
    ------
    InputError
        If a fragment, crystal or file does not exist.
    """
    surfaces = campaign.surfaces
    if surfaces is None:
        return []
    ion = None
    if surfaces.ion_level is not None:
        settings = campaign.levels.settings.get("pyscf", {})
        ion = Level.parse(surfaces.ion_level, settings=dict(settings))
    maker = AdsorptionMaker(
        levels=solid_levels(campaign, potentials=surfaces.potentials, dft=surfaces.dft_level),
        surfaces=surfaces,
        metal=campaign.anode.metal,
        ion_level=ion,
    )
    return maker.flows(crystals, base, redox=redox_jobs(molecules))


def redox_jobs(flows: Iterable[Flow | Job]) -> list[Job]:
    """Return the jobs of adiabatic potentials among flows: they know what breaks off."""
    found: list[Job] = []
    for item in flows:
        if isinstance(item, Flow):
            found += redox_jobs(item.jobs)
        elif item.metadata.get("kind") == "redox_adiabatic":
            found.append(item)
    return found


@dataclass
class AdsorptionMaker(Maker):
    """Make the flow of fragments on slabs.

    Parameters
    ----------
    name
        Name of the flow.
    levels
        The potentials that search, and the DFT level that takes over.
    surfaces
        Slabs, fragments and settings, as in a campaign file.
    metal
        The anode metal of the ion reference.
    ion_level
        Level in a solvent for ions without a tabulated potential; None: those stay blank.

    Examples
    --------
    >>> from mgscreen.campaign.surfaces import Surfaces
    >>> maker = AdsorptionMaker(
    ...     levels=SolidLevels((Level.parse("mlip:chgnet"),), Level.parse("gpaw:pbe")),
    ...     surfaces=Surfaces(fragments=("F",)),
    ... )
    >>> [job.name for job, _ in maker.make().iterflow()][-1]
    'adsorption F on Mg(001)-4L-3x3 mlip:chgnet'
    """

    name: str = "adsorption"
    levels: SolidLevels = field(
        default_factory=lambda: SolidLevels(
            (Level.parse("mlip:chgnet"), Level.parse("mlip:7net-0")), Level.parse("gpaw:pbe")
        )
    )
    surfaces: Surfaces = field(default_factory=Surfaces)
    metal: str = "Mg"
    ion_level: Level | None = None

    def make(self, base: Path | None = None) -> Flow:
        """Return the whole flow, crystals included."""
        crystals = CrystalJobs(base)
        flows = self.flows(crystals, base)
        return Flow([Flow([*crystals.jobs], name="crystals"), *flows], name=self.name)

    def flows(
        self, crystals: CrystalJobs, base: Path | None, redox: Iterable[Job] = ()
    ) -> list[Flow | Job]:
        """Return one flow of references and one for each slab."""
        fragments = self.fragments(base)
        gas = GasJobs(self)
        made: list[Flow | Job] = []
        for spec in self.surfaces.slabs:
            slabs = SlabJobs(self, spec, crystals)
            jobs = [job for one in fragments for job in slabs.adsorption(one, gas)]
            made.append(Flow([*slabs.jobs, *jobs], name=f"adsorption {spec.label}"))
            if self.surfaces.from_molecules:
                made.append(self._pieces(spec, slabs, list(redox), fragments))
        if gas.jobs:
            made.insert(0, Flow([*gas.jobs], name="gas references"))
        return made

    def fragments(self, base: Path | None) -> list[AtomicStructure]:
        """Return the fragments of the section, each with its name and spin."""
        found = [fragment(name) for name in self.surfaces.fragments]
        for one in self.surfaces.inline:
            if one.smiles:
                found.append(from_smiles(one.name, one.smiles, one.multiplicity))
                continue
            from pathlib import Path

            path = (base or Path()) / one.xyz
            found.append(from_xyz(one.name, path, one.multiplicity or 1))
        return found

    def _pieces(
        self, spec: SlabSpec, slabs: SlabJobs, redox: list[Job], known: list[AtomicStructure]
    ) -> Job:
        """Return the job that turns what the molecules broke into into adsorption jobs."""
        if not redox:
            raise InputError(
                "from_molecules needs molecules with the property 'redox-adiabatic' in the campaign"
            )
        return Job(
            function=adsorb_pieces,
            function_kwargs={
                "documents": [job.output for job in redox],
                "slabs": [slabs.clean[str(level)].output for level in self.levels.potentials],
                "levels": list(self.levels.potentials),
                "surfaces": self.surfaces.model_dump(mode="json"),
                "spec": spec.model_dump(mode="json"),
                "metal": self.metal,
                "ion_level": self.ion_level,
                "known": known,
            },
            name=f"pieces of molecules on {spec.label}",
            metadata={
                **labels("pieces", "pieces", spec.label, "pieces of molecules", "", "", 0.1),
                "accepts_failed": True,
            },
        )


def adsorb_pieces(  # noqa: PLR0913, PLR0917 - a job of its own
    documents: list[Any],
    slabs: list[Any],
    levels: list[Level],
    surfaces: dict[str, Any],
    spec: dict[str, Any],
    metal: str,
    ion_level: Level | None,
    known: list[AtomicStructure],
) -> Any:
    """Replace this job by adsorption jobs of what the molecules broke into.

    Parameters
    ----------
    documents
        Adiabatic potentials of the campaign's molecules; None where one failed.
    slabs
        Relaxed clean slabs, one for each of ``levels``.
    surfaces, spec
        The section and the slab of it.
    metal, ion_level
        See ``AdsorptionMaker``.
    known
        Fragments that the campaign computes anyway.
    """
    from jobflow import Response

    from mgscreen.calculations.base import revive
    from mgscreen.structures.fragments_pieces import broken_off

    section = Surfaces.model_validate(surfaces)
    slab = SlabSpec.model_validate(spec)
    levels = [Level.model_validate(revive(level)) for level in levels]
    maker = AdsorptionMaker(
        levels=SolidLevels(tuple(levels), levels[0]),
        surfaces=section.model_copy(update={"dft": "none"}),
        metal=metal,
        ion_level=None if ion_level is None else Level.model_validate(revive(ion_level)),
    )
    pieces = broken_off(documents, known=[revive(k) for k in known])
    gas = GasJobs(maker)
    jobs = [
        adsorption_job(maker, slab, one, level, clean, outputs(gas.of(one, level)))
        for one in pieces
        for level, clean in zip(levels, slabs, strict=True)
    ]
    if not jobs:
        return None
    return Response(replace=Flow([*gas.jobs, *jobs], name=f"pieces of molecules on {slab.label}"))
