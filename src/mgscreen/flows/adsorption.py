"""The DAG of adsorption: gas references, clean slabs, the search by potentials, then DFT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.calculations.adsorption import adsorb, with_dispersion
from mgscreen.calculations.adsorption_dft import adsorb_dft
from mgscreen.calculations.adsorption_reference import ion_energy
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.slab import clean_slab, slab_level, slab_single_point, with_force
from mgscreen.campaign.surfaces import SlabSpec, Surfaces
from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import SolidLevels, solid_levels
from mgscreen.structures.fragments import FRAGMENTS, fragment, from_smiles, from_xyz, molecule_x2

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mgscreen.campaign.models import Campaign
    from mgscreen.core.structure import AtomicStructure

CALLS_S = {"mlip": 0.15, "gpaw": 300.0, "vasp": 300.0}
"""CPU seconds of one energy with forces on a slab of the preset."""


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
                **_labels("pieces", "pieces", spec.label, "pieces of molecules", "", "", 0.1),
                "accepts_failed": True,
            },
        )


class GasJobs:
    """Energies of fragments, X2 and ions, one job for each question."""

    def __init__(self, maker: AdsorptionMaker) -> None:
        self.maker = maker
        self._made: dict[tuple[str, str, str], Job | None] = {}

    @property
    def jobs(self) -> list[Job]:
        """Every job that was asked for."""
        return [job for job in self._made.values() if job is not None]

    def of(self, one: AtomicStructure, level: Level) -> dict[str, Job | None]:
        """Return the reference jobs of a fragment: ``gas``, ``x2`` and ``ion``."""
        x2 = molecule_x2(one.label)
        return {
            "gas": self._gas(one, level),
            "x2": None if x2 is None else self._gas(x2, level),
            "ion": self._ion(one),
        }

    def _gas(self, one: AtomicStructure, level: Level) -> Job:
        key = ("gas", one.label, str(level))
        if key not in self._made:
            self._made[key] = Job(
                function=gas_energy,
                function_kwargs={"structure": one, "level": level},
                name=f"gas {one.label} {level}",
                metadata=_labels(
                    "gas", one.label, "gas", one.label, str(level), "",
                    CALLS_S[level.engine] * (0.1 if len(one.symbols) == 1 else 2.0),
                ),
            )  # fmt: skip
        job = self._made[key]
        if job is None:  # pragma: no cover - a gas job always is one
            raise AssertionError(key)
        return job

    def _ion(self, one: AtomicStructure) -> Job | None:
        level = self.maker.ion_level
        source = FRAGMENTS.get(one.label)
        tabulated = source is not None and (source.ion is not None or source.metal)
        if level is None or tabulated:
            return None
        key = ("ion", one.label, str(level))
        if key not in self._made:
            self._made[key] = Job(
                function=ion_energy,
                function_kwargs={"fragment": one, "level": level},
                name=f"ion {one.label}",
                metadata=_labels(
                    "ion", one.label, "ion", f"{one.label}-", str(level), "",
                    5.0 * len(one.symbols) ** 2,
                ),
            )  # fmt: skip
        return self._made[key]


class SlabJobs:
    """The clean slab of one surface at every level, and the adsorption jobs on it."""

    def __init__(self, maker: AdsorptionMaker, spec: SlabSpec, crystals: CrystalJobs) -> None:
        self.maker, self.spec, self.crystals = maker, spec, crystals
        self.clean: dict[str, Job] = {
            str(level): self._relaxed(level, maker.surfaces.fmax)
            for level in maker.levels.potentials
        }
        self.dft: Job | None = None
        mode = maker.surfaces.dft
        if mode != "none":
            self.dft_level = slab_level(maker.levels.dft, spec.kpts)
            if self.dft_level.engine == "vasp":
                raise InputError(
                    f"'{maker.levels.dft}' is not run by mgscreen: search with potentials and "
                    'dft = "none", then write inputs with `mgscreen export-inputs`'
                )
            self.dft = (
                self._relaxed(self.dft_level, max(maker.surfaces.fmax, 0.03))
                if mode == "relax"
                else self._single_point()
            )

    @property
    def jobs(self) -> list[Job]:
        """The clean slabs."""
        return [*self.clean.values(), *([self.dft] if self.dft is not None else [])]

    def adsorption(self, one: AtomicStructure, gas: GasJobs) -> list[Job]:
        """Return the jobs of one fragment: a search by each potential, then DFT."""
        jobs = [
            _adsorption_job(
                self.maker,
                self.spec,
                one,
                level,
                self.clean[str(level)].output,
                {**_outputs(gas.of(one, level)), "bulk": self._bulk(one, level)},
            )
            for level in self.maker.levels.potentials
        ]
        if self.dft is not None:
            jobs.append(self._dft_job(one, jobs[0], gas))
        return jobs

    def _bulk(self, one: AtomicStructure, level: Level) -> Any:
        source = FRAGMENTS.get(one.label)
        if source is None or not source.metal:
            return None
        return self.crystals.relaxed(source.metal, level).output

    def _relaxed(self, level: Level, fmax: float) -> Job:
        plain = level if level.engine == "mlip" else self.maker.levels.dft
        bulk = self.crystals.relaxed(self.spec.crystal, plain)
        return Job(
            function=clean_slab,
            function_kwargs={
                "crystal": bulk.output.structure,
                "level": with_force(level, fmax),
                **_cut(self.spec),
            },
            name=f"slab {self.spec.label} {level}",
            metadata=_labels(
                "slab", self.spec.label, "slab", self.spec.label, str(level), "",
                CALLS_S[level.engine] * 10,
            ),
        )  # fmt: skip

    def _single_point(self) -> Job:
        first = self.maker.levels.potentials[0]
        return Job(
            function=slab_single_point,
            function_kwargs={"slab": self.clean[str(first)].output, "level": self.dft_level},
            name=f"slab {self.spec.label} {self.dft_level}",
            metadata=_labels(
                "slab", self.spec.label, "slab", self.spec.label, str(self.dft_level), str(first),
                CALLS_S[self.dft_level.engine],
            ),
        )  # fmt: skip

    def _dft_job(self, one: AtomicStructure, search: Job, gas: GasJobs) -> Job:
        surfaces, dft = self.maker.surfaces, self.maker.levels.dft
        first = self.maker.levels.potentials[0]
        relax = surfaces.dft == "relax"
        level = with_dispersion(self.dft_level, add=surfaces.dispersion)
        calls = (15.0 if relax else 1.0) * surfaces.top
        if self.dft is None:  # pragma: no cover - the caller has checked
            raise AssertionError(one.label)
        return Job(
            function=adsorb_dft,
            function_kwargs={
                "search": search.output,
                "search_slab": self.clean[str(first)].output,
                "slab": self.dft.output,
                "fragment": one,
                "level": self.dft_level,
                **_outputs(gas.of(one, dft)),
                "bulk": self._bulk(one, dft),
                "top": surfaces.top,
                "relax": relax,
                "fmax": max(surfaces.fmax, 0.03),
                "dispersion": surfaces.dispersion,
                "metal": self.maker.metal,
                "potential_v": surfaces.potential,
            },
            name=f"adsorption {one.label} on {self.spec.label} {dft}",
            metadata={
                **_labels(
                    "adsorption", one.label, self.spec.label, f"{one.label} on {self.spec.label}",
                    str(level), str(self.dft_level if relax else first),
                    CALLS_S[dft.engine] * calls,
                ),
                "accepts_failed": True,
            },
        )  # fmt: skip


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
        _adsorption_job(maker, slab, one, level, clean, _outputs(gas.of(one, level)))
        for one in pieces
        for level, clean in zip(levels, slabs, strict=True)
    ]
    if not jobs:
        return None
    return Response(replace=Flow([*gas.jobs, *jobs], name=f"pieces of molecules on {slab.label}"))


def _adsorption_job(
    maker: AdsorptionMaker,
    spec: SlabSpec,
    one: AtomicStructure,
    level: Level,
    clean: Any,
    references: dict[str, Any],
) -> Job:
    surfaces = maker.surfaces
    named = with_dispersion(level, add=surfaces.dispersion)
    starts = 7 if len(one.symbols) == 1 else 4 * surfaces.orientations
    return Job(
        function=adsorb,
        function_kwargs={
            "fragment": one,
            "slab": clean,
            "level": level,
            **references,
            "sites": surfaces.sites,
            "orientations": surfaces.orientations,
            "fmax": surfaces.fmax,
            "dispersion": surfaces.dispersion,
            "metal": maker.metal,
            "potential_v": surfaces.potential,
        },
        name=f"adsorption {one.label} on {spec.label} {level}",
        metadata={
            **_labels(
                "adsorption", one.label, spec.label, f"{one.label} on {spec.label}",
                str(named), str(level) if named != level else "",
                CALLS_S[level.engine] * starts * (12 + 3 * len(one.symbols)),
            ),
            "accepts_failed": True,
        },
    )  # fmt: skip


def _cut(spec: SlabSpec) -> dict[str, Any]:
    return {
        "miller": spec.miller,
        "layers": spec.layers,
        "fixed": spec.fixed,
        "supercell": spec.supercell,
        "vacuum": spec.vacuum,
        "termination": spec.termination,
        "hold": spec.hold,
        "label": spec.label,
    }


def _outputs(jobs: dict[str, Job | None]) -> dict[str, Any]:
    return {name: None if job is None else job.output for name, job in jobs.items()}


def _labels(
    kind: str,
    candidate: str,
    form: str,
    species: str,
    level: str,
    geometry_level: str,
    cost: float,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "candidate": candidate,
        "form": form,
        "species": species,
        "level": level,
        "geometry_level": geometry_level,
        "cost_s": round(cost, 2),
    }
