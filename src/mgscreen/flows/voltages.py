"""Jobs of voltages: alloys against anode metals, and ions going into a cathode's host."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, get_args

from jobflow import Job

from mgscreen.calculations.alloys import alloy_voltage
from mgscreen.calculations.cathode import insertion_energy, insertion_voltages
from mgscreen.campaign.base import Metal
from mgscreen.structures.crystals import cell_policy, crystal_library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.campaign.stability import CathodeHost
    from mgscreen.engines.level import Level
    from mgscreen.flows.crystals import CrystalJobs


def alloy_jobs(name: str, metal: str, level: Level, crystals: CrystalJobs) -> list[Job]:
    """Return the voltages of an alloy, one for each metal that it has one against."""
    metals = alloy_metals(name, metal, crystals)
    return [_alloy(name, one, level, crystals) for one in metals]


def alloy_metals(name: str, metal: str, crystals: CrystalJobs) -> tuple[str, ...]:
    """Return the metals that an alloy has a voltage against.

    The anode metal; where it is not in the alloy, every anode metal that is (LiZn: Li and Zn).
    """
    inside = set(crystals.crystal(name).symbols)
    if metal in inside:
        return (metal,)
    return tuple(m for m in get_args(Metal) if m in inside) or (metal,)


def _alloy(name: str, metal: str, level: Level, crystals: CrystalJobs) -> Job:
    """Return the voltage of an alloy against a metal."""
    crystal = crystals.crystal(name)
    label = crystal.label or name
    elements = [e for e in sorted(set(crystal.symbols)) if e in crystal_library()]
    return Job(
        function=alloy_voltage,
        function_kwargs={
            "alloy": crystals.relaxed(name, level).output,
            "elements": [crystals.relaxed(e, level).output for e in elements],
            "metal": metal,
        },
        name=f"alloy {label} {metal} {level}",
        metadata={
            "kind": "alloy",
            "candidate": label,
            "form": "alloy",
            "species": f"{label} against {metal}",
            "level": str(level),
            "geometry_level": "",
            "cost_s": 0.02,
            "accepts_failed": True,
        },
    )


def cathode_jobs(
    host: CathodeHost, level: Level, crystals: CrystalJobs, guesses: Sequence[Job] = ()
) -> list[Job]:
    """Return the jobs of a cathode's insertion voltages, the voltage last.

    Parameters
    ----------
    host
        The cathode and what goes in.
    level
        A level for crystals.
    crystals
        The crystals that the campaign shares.
    guesses
        The jobs of the same cathode at another level: their placements are relaxed, and no others
        searched.
    """
    crystal = crystals.crystal(host.crystal)
    label = crystal.label or host.crystal
    empty = crystals.relaxed(host.crystal, level)
    # layers that dispersion alone holds keep their cell with ions in it, too
    policy = cell_policy(crystal, level)
    common = {"candidate": label, "level": str(level), "geometry_level": ""}
    jobs = [
        Job(
            function=insertion_energy,
            function_kwargs={
                "host": empty.output.structure,
                "level": level,
                "species": host.species,
                "n": n,
                "cell": policy,
                **({"guess": guess.output} if guess else {}),
            },
            name=f"insertion {n} {host.species} in {label} {level}",
            metadata={
                **common,
                "kind": "insertion",
                "form": f"{n} {host.species}",
                "species": f"{n} {host.species} in {label}",
                "cost_s": round((1.0 if guess else 2.0) * len(crystal.symbols), 1),
                # without the guess it searches by itself
                **({"accepts_failed": True} if guess else {}),
            },
        )
        for n, guess in zip_longest(sorted(host.numbers), guesses[: len(host.numbers)])
    ]
    voltage = Job(
        function=insertion_voltages,
        function_kwargs={
            "host": empty.output,
            "inserted": [job.output for job in jobs],
            "metal": crystals.relaxed(host.species, level).output,
        },
        name=f"insertion voltage {label} {level}",
        metadata={
            **common,
            "kind": "insertion_voltage",
            "form": "cathode",
            "species": f"{host.species} in {label}",
            "cost_s": 0.02,
            "accepts_failed": True,
        },
    )
    return [*jobs, voltage]
