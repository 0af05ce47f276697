"""The search for where a fragment ends up on a slab, with as few force calls as it takes.

Relaxing every site in every orientation from scratch spends most of its force calls on three
things: relaxing the same clean slab again in each start, walking into an end that another start
has reached already, and polishing ends that lie far above the best one. So:

1. every start has the slab relaxed once, alone;
2. it is first relaxed roughly with the slab frozen, which has few degrees of freedom; starts that
   have come together, up to an operation of the slab's plane group, go on as one;
3. those within ``WINDOW_EV`` of the best, and any whose bonds changed or that lie below the
   surface, are relaxed with the slab free, roughly, and merged again;
4. only ends that can still be the lowest (of the intact ones, and of the dissociated ones) are
   relaxed to the end.

What is left out is in the result, with the energy at which it was left and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mgscreen.calculations.slab import with_force
from mgscreen.core.errors import ScientificFailureError
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.fragments_fate import Fate, fate
from mgscreen.structures.sites import adsorption_sites, nearest_site, plane_operations
from mgscreen.structures.sites_place import placements, same_adsorbate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.structures.sites import Operation, Place, Site
    from mgscreen.structures.sites_place import Start
    from mgscreen.structures.slabs import Slab

FROZEN_FMAX = 0.1
"""Force at which a start on the frozen slab is let go, eV/angstrom."""
FROZEN_STEPS = 20
ROUGH_FMAX = 0.08
ROUGH_STEPS = 60
WINDOW_EV = 0.5
"""A start this far above the best one on the frozen slab is not followed: a slab gives way by less
(a few 0.1 eV for a small atom in a hollow, which is where the best starts are anyway)."""
CLOSE_EV = 0.03
"""Ends this near to the lowest one, and three times what its last steps brought, are relaxed to the
end: rough ones lie within some 0.01 eV."""
SAME_A = 0.3
"""Ends whose atoms fall on each other within this are one, angstrom."""
SAME_EV = 0.05
"""And whose energies agree within this."""


@dataclass
class End:
    """Where one or several starts came to."""

    starts: list[str]
    before: AtomicStructure
    """the first of the starts"""
    structure: AtomicStructure
    energy_ev: float
    stage: str
    """``frozen slab``, ``rough``, ``relaxed`` or ``not converged``"""
    below: bool
    steps: int
    max_force_ev_per_a: float
    fate: Fate
    reason: str = ""


@dataclass
class Found:
    """What a search found.

    Attributes
    ----------
    ends
        Lowest energy first.
    failed
        Starts that could not be followed, and why.
    force_calls
        Over all stages.
    """

    ends: list[End]
    failed: dict[str, str] = field(default_factory=dict)
    force_calls: int = 0
    n_starts: int = 0


class Search:
    """The search on one slab with one fragment at one level.

    Parameters
    ----------
    slab
        As it was cut: exact symmetry, layers, fixed atoms.
    clean
        The same slab relaxed.
    level
        A level for slabs.
    folder
        Where steps are kept; a killed search goes on from there.
    fmax
        Force at which an end has converged, eV/angstrom.
    """

    def __init__(
        self, slab: Slab, clean: AtomicStructure, level: Level, folder: Path, *, fmax: float
    ) -> None:
        self.slab, self.clean, self.level, self.folder = slab, clean, level, folder
        self.fmax = fmax
        self.operations: list[Operation] = plane_operations(slab)
        self.sites: list[Site] = adsorption_sites(slab)
        self.n = len(clean.symbols)
        self.calls = 0
        self.failed: dict[str, str] = {}

    def starts(
        self, fragment: AtomicStructure, kinds: Sequence[str], orientations: int
    ) -> list[Start]:
        """Return the starts of a fragment on sites of these kinds."""
        chosen = [s for s in self.sites if s.name.split("-")[0] in kinds]
        return placements(
            self.clean, fragment, chosen, orientations=orientations, operations=self.operations
        )

    def thorough(self, starts: Sequence[Start]) -> Found:
        """Relax every start to the end, as ASE does by default: what ``quick`` is measured against.

        Give the slab as it was cut as the clean one, so that each start relaxes it again.
        """
        ends = [
            end
            for k, start in enumerate(starts)
            if (end := self._first(start, f"thorough/{k}", frozen=False)) is not None
        ]
        return self._finish(self._merge(ends), len(starts))

    def quick(self, starts: Sequence[Start]) -> Found:
        """Relax in stages, see the module."""
        first = [
            end
            for k, start in enumerate(starts)
            if (end := self._first(start, f"frozen/{k}", frozen=True)) is not None
        ]
        groups = self._merge(first)
        if len(starts) and len(starts[0].structure.symbols) == self.n + 1:
            groups = self._surfaced(groups)
        followed, left = self._worth(groups)
        rough = []
        for k, end in enumerate(followed):
            done = self._go_on(end, f"rough/{k}", min(ROUGH_FMAX, 4 * self.fmax), ROUGH_STEPS)
            rough.append(done)
        rough = self._merge(rough)
        final = self._refined(rough)
        return self._finish([*self._merge(final), *left], len(starts))

    def place(self, end: End) -> Place:
        """Return the site at which the closest bound atom of the fragment lies."""
        import numpy as np

        position = np.asarray(end.structure.positions[end.fate.anchor])
        top = max(self.slab.layers)
        heights = [
            z for (_, _, z), n in zip(end.structure.positions, self.slab.layers, strict=False)
            if n == top
        ]  # fmt: skip
        below = bool(position[2] < float(np.median(heights)) - 0.2)
        return nearest_site(position, self.sites, self.slab, self.operations, below=below)

    def _first(self, start: Start, name: str, *, frozen: bool) -> End | None:
        """Relax a start; None where that failed. Below the surface the slab is never frozen."""
        held = range(self.n) if frozen and not start.below else self.slab.fixed
        level = (
            with_force(self.level, FROZEN_FMAX, FROZEN_STEPS)
            if frozen
            else self.level.model_copy(
                update={"settings": {**self.level.settings, "fmax": self.fmax}}
            )
        )
        try:
            end = get_periodic_engine(level).relax(
                start.structure, self.folder / name, fixed=tuple(held)
            )
        except ScientificFailureError as error:
            self.failed[start.name] = str(error)
            return None
        self.calls += end.steps
        return End(
            starts=[start.name],
            before=start.structure,
            structure=end.structure,
            energy_ev=end.energy_ev,
            stage="frozen slab" if frozen else ("relaxed" if end.converged else "not converged"),
            below=start.below,
            steps=end.steps,
            max_force_ev_per_a=end.max_force_ev_per_a,
            fate=fate(self.clean, start.structure, end.structure, self.slab.layers),
        )

    def _go_on(self, end: End, name: str, fmax: float, steps: int | None) -> End:
        level = with_force(self.level, fmax, steps)
        try:
            done = get_periodic_engine(level).relax(
                end.structure, self.folder / name, fixed=self.slab.fixed
            )
        except ScientificFailureError as error:
            end.reason = str(error)
            return end
        self.calls += done.steps
        stage = "rough" if steps is not None else "relaxed" if done.converged else "not converged"
        return End(
            starts=end.starts,
            before=end.before,
            structure=done.structure,
            energy_ev=done.energy_ev,
            stage=stage,
            below=end.below,
            steps=end.steps + done.steps,
            max_force_ev_per_a=done.max_force_ev_per_a,
            fate=fate(self.clean, end.before, done.structure, self.slab.layers),
        )

    def _worth(self, ends: list[End]) -> tuple[list[End], list[End]]:
        surface = [e.energy_ev for e in ends if not e.below]
        best = min(surface, default=0.0)
        followed, left = [], []
        for end in ends:
            changed = not end.fate.intact
            if end.below or changed or end.energy_ev <= best + WINDOW_EV:
                followed.append(end)
            else:
                end.reason = (
                    f"{end.energy_ev - best:.2f} eV above the best start on the frozen slab: "
                    "not followed"
                )
                left.append(end)
        return followed, left

    def _refined(self, rough: list[End]) -> list[End]:
        """Relax to the end those that can still be the lowest of their kind.

        The lowest rough one goes first; by how much it comes down tells how rough they are.
        """
        final = []
        drop: dict[bool, float] = {}
        lowest: dict[bool, float] = {}
        for k, end in enumerate(sorted(rough, key=lambda e: e.energy_ev)):
            kind = end.fate.intact
            within = CLOSE_EV + 3 * drop.get(kind, 0.0)
            if end.energy_ev - lowest.setdefault(kind, end.energy_ev) > within:
                end.reason = f"more than {within:.2f} eV above the lowest end of its kind"
                final.append(end)
                continue
            done = self._go_on(end, f"fine/{k}", self.fmax, None)
            drop.setdefault(kind, max(0.0, end.energy_ev - done.energy_ev))
            final.append(done)
        return final

    def _surfaced(self, ends: list[End]) -> list[End]:
        """Join a start from below that has come up at a site to what starts there."""
        above = {self.place(e).name: e for e in ends if not e.below}
        kept = []
        for end in ends:
            there = above.get(self.place(end).name)
            if end.below and there is not None and "subsurface" not in end.fate.events:
                there.starts = [*there.starts, *end.starts]
            else:
                kept.append(end)
        return kept

    def _merge(self, ends: list[End]) -> list[End]:
        """Join ends that are one, the lowest first."""
        kept: list[End] = []
        for end in sorted(ends, key=lambda e: e.energy_ev):
            for other in kept:
                if abs(end.energy_ev - other.energy_ev) <= SAME_EV and same_adsorbate(
                    end.structure, other.structure, self.n, self.operations, within_a=SAME_A
                ):
                    other.starts = [*other.starts, *end.starts]
                    break
            else:
                kept.append(end)
        return kept

    def _finish(self, ends: list[End], n_starts: int) -> Found:
        ends = sorted(ends, key=lambda e: e.energy_ev)
        return Found(ends, dict(self.failed), self.calls, n_starts)
