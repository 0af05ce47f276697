"""The jobs of adsorption: gas references, clean slabs, searches and DFT on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobflow import Job

from mgscreen.calculations.adsorption import adsorb, with_dispersion
from mgscreen.calculations.adsorption_dft import adsorb_dft
from mgscreen.calculations.adsorption_reference import ion_energy
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.slab import clean_slab, slab_level, slab_single_point, with_force
from mgscreen.core.errors import InputError
from mgscreen.structures.fragments import FRAGMENTS, molecule_x2

if TYPE_CHECKING:
    from mgscreen.campaign.surfaces import SlabSpec
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.flows.adsorption import AdsorptionMaker
    from mgscreen.flows.crystals import CrystalJobs

CALLS_S = {"mlip": 0.15, "gpaw": 300.0, "vasp": 300.0}
"""CPU seconds of one energy with forces on a slab of the preset: 36 atoms."""


def call_s(level: Level, spec: SlabSpec) -> float:
    """Return the CPU seconds of one energy with forces on a slab, as an estimate."""
    size = spec.layers * spec.supercell[0] * spec.supercell[1] / 36
    return CALLS_S[level.engine] * float(size if level.engine == "mlip" else max(size**2, 0.01))


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
                metadata=labels(
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
                metadata=labels(
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
            adsorption_job(
                self.maker,
                self.spec,
                one,
                level,
                self.clean[str(level)].output,
                {**outputs(gas.of(one, level)), "bulk": self._bulk(one, level)},
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
                **cut(self.spec),
            },
            name=f"slab {self.spec.label} {level}",
            metadata=labels(
                "slab", self.spec.label, "slab", self.spec.label, str(level), "",
                call_s(level, self.spec) * 10,
            ),
        )  # fmt: skip

    def _single_point(self) -> Job:
        first = self.maker.levels.potentials[0]
        return Job(
            function=slab_single_point,
            function_kwargs={"slab": self.clean[str(first)].output, "level": self.dft_level},
            name=f"slab {self.spec.label} {self.dft_level}",
            metadata=labels(
                "slab", self.spec.label, "slab", self.spec.label, str(self.dft_level), str(first),
                call_s(self.dft_level, self.spec),
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
                **outputs(gas.of(one, dft)),
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
                **labels(
                    "adsorption", one.label, self.spec.label, f"{one.label} on {self.spec.label}",
                    str(level), str(self.dft_level if relax else first),
                    call_s(dft, self.spec) * calls,
                ),
                "accepts_failed": True,
            },
        )  # fmt: skip


def adsorption_job(
    maker: AdsorptionMaker,
    spec: SlabSpec,
    one: AtomicStructure,
    level: Level,
    clean: Any,
    references: dict[str, Any],
) -> Job:
    """Return the search for the sites of a fragment by one potential."""
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
            **labels(
                "adsorption", one.label, spec.label, f"{one.label} on {spec.label}",
                str(named), str(level) if named != level else "",
                call_s(level, spec) * starts * (12 + 3 * len(one.symbols)),
            ),
            "accepts_failed": True,
        },
    )  # fmt: skip


def cut(spec: SlabSpec) -> dict[str, Any]:
    """Return the arguments that say how a slab is cut."""
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


def outputs(jobs: dict[str, Job | None]) -> dict[str, Any]:
    """Return what jobs will give, by the name of the argument."""
    return {name: None if job is None else job.output for name, job in jobs.items()}


def labels(
    kind: str,
    candidate: str,
    form: str,
    species: str,
    level: str,
    geometry_level: str,
    cost: float,
) -> dict[str, Any]:
    """Return what the database and the planner know a job by; ``cost`` in CPU seconds."""
    return {
        "kind": kind,
        "candidate": candidate,
        "form": form,
        "species": species,
        "level": level,
        "geometry_level": geometry_level,
        "cost_s": round(cost, 2),
    }
