"""Geometry of a species: guesses relaxed, told apart, checked and ranked; or one optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.fragmentation import bond_label
from mgscreen.calculations.steps import RelaxedState, absent, provenance, relax, value
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mgscreen.core.species import Species
    from mgscreen.engines.base import MolecularEngine
    from mgscreen.engines.level import Level

SAME_ENERGY_EV = 0.005
SAME_DISTANCE_A = 0.1
"""Two relaxed guesses are one conformer when their energies and all sorted interatomic distances
(by pair of elements) agree within these; looser than the optimiser's convergence, tighter than
the difference of any two minima."""


class Conformer(BaseModel):
    """One distinct relaxed geometry."""

    model_config = ConfigDict(extra="forbid")

    structure: AtomicStructure
    relative_energy_ev: float = Field(description="against the lowest one that is intact")
    converged: bool
    max_force_ev_per_a: float
    intact: bool = Field(description="its covalent bonds are those of the guess")
    changes: str = Field(default="", description="bonds that broke or formed, if any")
    coordination: dict[int, int] = Field(
        default_factory=dict, description="index of a metal atom, its number of donor atoms"
    )


class GeometryDocument(Document):
    """The best geometry of a species (``structure``) and all distinct ones that were found."""

    energy_ev: float | None = Field(default=None, description="of the best geometry, at this level")
    max_force_ev_per_a: float | None = None
    steps: int | None = Field(default=None, description="optimisation steps of the best geometry")
    conformers: list[Conformer] = Field(default_factory=list, description="best first")
    n_guesses: int = 0
    n_failed: int = Field(default=0, description="guesses without a converged geometry")
    searched: bool = Field(default=False, description="several guesses were made and ranked")
    coordination_number: float | None = Field(
        default=None, description="donor atoms per metal ion; the mean over metal ions"
    )
    metal_distances_a: dict[int, dict[int, float]] = Field(
        default_factory=dict,
        description="metal atom -> donor atom -> distance, angstrom; zero-based indices",
    )

    def properties(self) -> list[PropertyValue]:
        """Return the number of conformers and the coordination number, where they apply."""
        if self.state == "failed":
            return absent(["n_conformers"], self.reason, self.level)
        rows = []
        if self.searched:
            rows.append(value("n_conformers", len(self.conformers), self.level))
        if self.coordination_number is not None:
            shells = [len(shell) for shell in self.metal_distances_a.values()]
            text = ", ".join(map(str, shells)) if len(shells) > 1 else None
            rows.append(
                value("coordination_number", self.coordination_number, self.level, text=text)
            )
        return rows


@calculation("geometry", GeometryDocument)
def species_geometry(
    species: Species, level: Level, conformers: int = 6, identity: str = ""
) -> GeometryDocument:
    """Find the best geometry of a species.

    Guesses are relaxed one by one; a guess that does not converge, or whose covalent bonds change,
    is kept apart: an intact converged one is always preferred.

    Parameters
    ----------
    species
        What to build.
    level
        Level at which guesses are relaxed and ranked.
    conformers
        How many guesses to make.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame, if no guess converges.
    """
    from mgscreen.structures.build import guess_structures

    engine = get_engine(level)
    folder = runtime().workdir(identity)
    guesses = guess_structures(species, conformers)
    ends: list[tuple[AtomicStructure, RelaxedState]] = []
    problems: list[str] = []
    for i, guess in enumerate(guesses):
        end = _relaxed(engine, guess, folder / f"guess-{i:03d}", problems, f"guess {i + 1}")
        if end is not None:
            ends.append((guess, end))
    document = _document(engine, ends, problems, len(guesses))
    document.searched = True
    return document


@calculation("geometry", GeometryDocument)
def optimise(structure: AtomicStructure, level: Level, identity: str = "") -> GeometryDocument:
    """Optimise one geometry.

    Parameters
    ----------
    structure
        Start.
    level
        Level of theory.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame, if it does not converge.
    """
    engine = get_engine(level)
    problems: list[str] = []
    end = _relaxed(engine, structure, runtime().workdir(identity) / "opt", problems, "optimisation")
    return _document(engine, [] if end is None else [(structure, end)], problems, 1)


def _relaxed(
    engine: MolecularEngine,
    start: AtomicStructure,
    folder: Path,
    problems: list[str],
    name: str,
) -> RelaxedState | None:
    try:
        end = relax(engine, start, folder)
    except ScientificFailureError as error:
        problems.append(f"{name}: {error}")
        return None
    if not end.converged:
        problems.append(
            f"{name} did not converge in {end.steps} steps "
            f"(largest force {end.max_force_ev_per_a:.3f} eV/A)"
        )
        return None
    return end


def _document(
    engine: MolecularEngine,
    ends: list[tuple[AtomicStructure, RelaxedState]],
    problems: list[str],
    n_guesses: int,
) -> GeometryDocument:
    if not ends:
        why = "; ".join(dict.fromkeys(problems)) or "no geometry could be guessed"
        raise ScientificFailureError(f"no converged geometry: {why}")
    judged = [_judge(guess, end) for guess, end in ends]
    order = sorted(range(len(ends)), key=lambda i: (not judged[i].intact, ends[i][1].energy_ev, i))
    zero = ends[order[0]][1].energy_ev
    distinct: list[int] = []
    for i in order:
        judged[i].relative_energy_ev = ends[i][1].energy_ev - zero
        if not any(_same(judged[i], judged[j]) for j in distinct):
            distinct.append(i)
    best, end = judged[order[0]], ends[order[0]][1]
    shells = _shells(best.structure)
    warnings = [*problems, *end.warnings]
    changed = sorted({c.changes for c in judged if not c.intact})
    if not best.intact:
        warnings.append(f"the species does not keep its bonds when relaxed: {best.changes}")
    elif changed:
        warnings.append(f"guesses that changed their bonds were set aside: {'; '.join(changed)}")
    return GeometryDocument(
        **provenance(engine),
        structure=best.structure,
        energy_ev=end.energy_ev,
        max_force_ev_per_a=end.max_force_ev_per_a,
        steps=end.steps,
        conformers=[judged[i] for i in distinct],
        n_guesses=n_guesses,
        n_failed=n_guesses - len(ends),
        coordination_number=sum(map(len, shells.values())) / len(shells) if shells else None,
        metal_distances_a=shells,
        converged={"geometry": True, "intact": best.intact},
        warnings=warnings,
        recovery=end.recovery,
    )


def _judge(guess: AtomicStructure, end: RelaxedState) -> Conformer:
    from mgscreen.structures.bonds import compare_bonds

    change = compare_bonds(guess, end.structure)
    words = []
    if change.broken:
        words.append(f"broke {', '.join(_pairs(guess, change.broken))}")
    if change.formed:
        words.append(f"formed {', '.join(_pairs(guess, change.formed))}")
    shells = _shells(end.structure)
    return Conformer(
        structure=end.structure,
        relative_energy_ev=0.0,
        converged=end.converged,
        max_force_ev_per_a=end.max_force_ev_per_a,
        intact=not words,
        changes=" and ".join(words),
        coordination={metal: len(shell) for metal, shell in shells.items()},
    )


def _pairs(structure: AtomicStructure, bonds: list[tuple[int, int]]) -> list[str]:
    return [bond_label(structure, i, j) for i, j in bonds]


def _shells(structure: AtomicStructure) -> dict[int, dict[int, float]]:
    """Donor atoms and distances (angstrom) of every metal atom."""
    from mgscreen.structures.build import coordination

    metals = structure.atoms_of("metal")
    if len(metals) == len(structure.symbols):
        return {}
    return {
        metal: {int(i): float(distance) for i, distance in coordination(structure, metal)}
        for metal in metals
    }


def _same(one: Conformer, other: Conformer) -> bool:
    if one.intact != other.intact or one.coordination != other.coordination:
        return False
    if abs(one.relative_energy_ev - other.relative_energy_ev) > SAME_ENERGY_EV:
        return False
    import numpy as np

    first, second = _fingerprint(one.structure), _fingerprint(other.structure)
    return first.keys() == second.keys() and all(
        bool(np.all(np.abs(first[pair] - second[pair]) <= SAME_DISTANCE_A)) for pair in first
    )


def _fingerprint(structure: AtomicStructure) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Sorted distances (angstrom) by pair of elements: blind to order, rotation and reflection."""
    import numpy as np
    from scipy.spatial.distance import pdist, squareform

    distances = squareform(pdist(np.asarray(structure.positions)))
    found: dict[tuple[str, str], list[float]] = {}
    for i, a in enumerate(structure.symbols):
        for j in range(i):
            b = structure.symbols[j]
            found.setdefault((min(a, b), max(a, b)), []).append(float(distances[i, j]))
    return {pair: np.sort(np.asarray(rows)) for pair, rows in found.items()}
