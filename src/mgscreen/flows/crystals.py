"""One relaxation per crystal and level, shared by slabs, barriers and phase energies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobflow import Job

from mgscreen.calculations.crystal import relax_crystal
from mgscreen.structures.crystals import cell_policy, load_crystal

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import CellPolicy


class CrystalJobs:
    """The crystals of a campaign and the jobs that relax them.

    Parameters
    ----------
    base
        Folder that the paths of users' crystals are relative to: that of the campaign file.
    """

    def __init__(self, base: Path | None = None) -> None:
        self.base = base
        self._crystals: dict[str, AtomicStructure] = {}
        self._jobs: dict[tuple[str, str, str], Job] = {}

    @property
    def jobs(self) -> list[Job]:
        """Every job that was asked for, in the order of asking."""
        return list(self._jobs.values())

    def crystal(self, name: str) -> AtomicStructure:
        """Return a crystal of the library, or a user's by its path, in its primitive cell.

        Raises
        ------
        InputError
            If there is none of this name, or the file cannot be read.
        """
        if name not in self._crystals:
            self._crystals[name] = load_crystal(name, base=self.base, primitive=True)
        return self._crystals[name]

    def relaxed(self, name: str, level: Level, cell: CellPolicy | None = None) -> Job:
        """Return the job that relaxes a crystal; the same one for the same question.

        Parameters
        ----------
        name
            Name in the library, or path.
        level
            A level for crystals.
        cell
            What may happen to the cell; None: what suits the phase at this level.
        """
        crystal = self.crystal(name)
        policy = cell_policy(crystal, level) if cell is None else cell
        key = (name, level.model_dump_json(), policy)
        if key not in self._jobs:
            label = crystal.label or name
            self._jobs[key] = Job(
                function=relax_crystal,
                function_kwargs={"structure": crystal, "level": level, "cell": policy},
                name=f"crystal {label} {level}",
                metadata={
                    "kind": "crystal",
                    "candidate": label,
                    "form": "bulk",
                    "species": label,
                    "level": str(level),
                    "geometry_level": "",
                    "cost_s": _cost(crystal, level),
                },
            )
        return self._jobs[key]


def _cost(crystal: AtomicStructure, level: Level) -> float:
    """CPU seconds, from the times of small crystals: 0.1 s a step for a potential."""
    n = len(crystal.symbols)
    if level.engine == "mlip":
        return round(2.0 + 0.5 * n, 1)
    return round(20.0 * max(1.0, n / 3), 1)
