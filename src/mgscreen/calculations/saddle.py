"""The saddle of a hop and the path through it, with as few force calls as can be.

1. The endpoints are relaxed; one that is the image of the other is not computed.
2. The mobile atom starts halfway, where its neighbours leave most room, on the plane that halves
   the hop; everything relaxes with its coordinate across that plane held. Where a symmetry of the
   crystal mirrors the hop, that is the saddle already. Otherwise, eigenvector following goes on
   from there.
3. The lowest curvatures are measured at the saddle: one must be negative. Where the hop has more
   than one the ridge is left sideways; where it has none the plane holds an intermediate, and the
   saddle is looked for between it and the endpoint.
4. From the saddle the path is followed down on both sides; it has to arrive at the endpoints.
5. Where this does not lead from one endpoint to the other, a climbing band is tried.

What a relaxation learns of the curvatures serves the next (``saddle_curvature``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.calculations.saddle_check import (
    NEGATIVE,
    assemble,
    falls_away,
    judge,
    leave_ridge,
    measure,
    pick,
)
from mgscreen.calculations.saddle_curvature import Curvature
from mgscreen.calculations.saddle_descent import ARRIVED_A, ONE_END, descend
from mgscreen.calculations.saddle_plane import between
from mgscreen.calculations.saddle_result import PathResult
from mgscreen.calculations.saddle_start import (
    Image,
    find_image,
    nearest_images,
    relaxed_by_image,
    way_past,
)
from mgscreen.calculations.saddle_steps import (
    OutOfCallsError,
    Point,
    Surface,
    climb,
    largest,
    minimise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

ROUNDS = 3
"""How often a ridge is left, or an intermediate is put between."""
INTERMEDIATE = "the path has an intermediate; its higher side counts"
LOWER_EV = 0.02
"""A middle this far below both ends, without a negative curvature, is an intermediate, eV."""


def find_saddle(  # noqa: PLR0913
    evaluate: Evaluate,
    initial: AtomicStructure,
    final: AtomicStructure,
    mobile: int,
    *,
    symmetric: bool,
    operation: Any = None,
    fixed: Sequence[int] = (),
    fmax: float = 0.03,
    max_calls: int = 400,
) -> PathResult:
    """Find the saddle between two structures that differ by the hop of one atom.

    Parameters
    ----------
    evaluate
        Positions, shape (n, 3), to energy (eV) and forces (eV/angstrom).
    initial, final
        Structures before relaxation, atoms in the same order.
    mobile
        Index of the atom that hops.
    symmetric
        Whether the endpoints are images of each other; the operation is found here, and checked.
    operation
        The operation, where the caller has it as an ``Image``.
    fixed
        Atoms that are held.
    fmax
        Largest force at endpoints and saddle, eV/angstrom.
    max_calls
        Force calls that may be used, endpoints and verification included.

    Returns
    -------
    PathResult
        ``converged`` is False where the calls did not suffice or no saddle was found; the profile
        is the best so far.
    """
    search = _Search(evaluate, initial, final, mobile, fixed=fixed, fmax=fmax, max_calls=max_calls)
    if isinstance(operation, Image):
        search.image = operation
    elif symmetric:
        search.image = find_image(
            search.atoms, search.first.reshape(-1, 3), search.last.reshape(-1, 3), mobile
        )
        if search.image is None:
            search.result.warnings.append("no symmetry carries one endpoint to the other")
    try:
        search.run()
    except OutOfCallsError:
        search.result.converged = False
        search.result.warnings.append(f"not converged in {max_calls} force calls")
    return assemble(search)


class _Search:
    """One search: surface, curvatures, and what was found so far."""

    def __init__(
        self,
        evaluate: Evaluate,
        initial: AtomicStructure,
        final: AtomicStructure,
        mobile: int,
        *,
        fixed: Sequence[int],
        fmax: float,
        max_calls: int,
    ) -> None:
        self.atoms: Atoms = initial.to_ase()
        self.mobile = mobile
        self.fmax = fmax
        self.n = len(self.atoms)
        first = np.asarray(initial.positions, dtype=float)
        self.first: Array = first.ravel()
        self.last: Array = nearest_images(
            self.atoms, np.asarray(final.positions, dtype=float), first
        ).ravel()
        self.surface = Surface(evaluate, self.n, fixed, max_calls)
        self.image: Image | None = None
        self.result = PathResult()
        self.start: Point | None = None
        self.end: Point | None = None
        self.down: tuple[list[Point], list[Point]] = ([], [])
        self.saddle: Point | None = None
        self.beside: dict[float, Point] = {}

    # -- bookkeeping ---------------------------------------------------------------------------
    def count(self, purpose: str, before: int) -> None:
        calls = self.result.calls
        calls[purpose] = calls.get(purpose, 0) + self.surface.calls - before

    def place(self, x: Array) -> Array:
        """Place of the mobile atom relative to the mean of all others."""
        rows = x.reshape(-1, 3)
        rest = (rows.sum(axis=0) - rows[self.mobile]) / (self.n - 1)
        there: Array = rows[self.mobile] - rest
        return there

    # -- the search ----------------------------------------------------------------------------
    def run(self) -> None:
        curvature = self.endpoints()
        if self.start is None or self.end is None:
            return
        a, b = self.start, self.end
        step = self.place(b.x) - self.place(a.x)
        if float(np.linalg.norm(step)) < ARRIVED_A and self.near(a, b):
            self.result.warnings.append("both endpoints relax to the same structure")
            return
        point, mode, curvature = between(self, a, b, curvature)
        self.accept(point, mode, curvature, a, b)
        if not self.result.verified:
            self.by_band(curvature, a, b)

    def by_band(self, curvature: Curvature, a: Point, b: Point) -> None:
        """Look for the saddle with a climbing band; the better of the two results stays."""
        from mgscreen.calculations.saddle_band import climbing_band

        before, saddle, down, trail = self.surface.calls, self.saddle, self.down, self.trail
        kept, warnings = self.snapshot(), list(self.result.warnings)
        step = self.place(b.x) - self.place(a.x)
        middle = way_past(self.atoms, 0.5 * (a.x + b.x).reshape(-1, 3), self.mobile, step).ravel()
        # off the straight line, which may be a ridge by symmetry
        aside = np.cross(step, np.eye(3)[int(np.argmin(np.abs(step)))])
        middle[3 * self.mobile : 3 * self.mobile + 3] += 0.1 * aside / np.linalg.norm(aside)
        try:
            points, top, tangent = climbing_band(
                self.surface, self.atoms, a, middle, b, fmax=2 * self.fmax
            )
        finally:
            self.count("band", before)
        self.down, self.trail = ([], []), points[1:-1]
        self.result.warnings = []
        self.result.intermediate = None  # that of the way that was given up
        self.result.method = "ci-neb"
        self.accept(points[top], tangent, curvature.moved(points[top].x), a, b, depth=1)
        if self.result.converged and self.result.connects:
            self.result.method = "ci-neb"
            self.trail = None
        elif kept["converged"] or not self.result.converged:
            self.saddle, self.down, self.trail = saddle, down, trail
            self.restore(kept)
            self.result.warnings = [*warnings, "neither does a climbing band"]

    def endpoints(self) -> Curvature:
        """Relax both endpoints, or one and its image."""
        before = self.surface.calls
        curvature = Curvature(self.atoms, self.first)
        start, ok = self.relax(self.surface(self.first), curvature)
        self.start = start
        if self.image is not None:
            last = relaxed_by_image(
                self.first.reshape(-1, 3),
                self.last.reshape(-1, 3),
                start.x.reshape(-1, 3),
                self.image,
                self.atoms,
            )
            forces = self.image.carry(start.forces.reshape(-1, 3)).ravel()
            self.end = Point(last.ravel(), start.energy, forces)
            self.result.symmetric = True
        else:
            # what the surroundings of one vacancy did, those of the other may do as well
            self.end, also = self.relax(self.surface(self.last), curvature.moved(self.last))
            ok = ok and also
        if not ok:
            self.result.warnings.append("an endpoint did not relax")
        self.count("endpoints", before)
        return curvature

    def relax(self, point: Point, curvature: Curvature) -> tuple[Point, bool]:
        return minimise(self.surface, point, curvature, fmax=self.fmax)

    def accept(
        self, point: Point, mode: Array, curvature: Curvature, a: Point, b: Point, depth: int = 0
    ) -> None:
        """Verify a saddle, and mend what is wrong with it."""
        self.saddle = point
        self.beside = {}
        for _ in range(ROUNDS):
            before = self.surface.calls
            modes = measure(self, point, mode, curvature)
            self.count("verification", before)
            lower = point.energy < min(a.energy, b.energy) - LOWER_EV
            if modes.values[0] >= NEGATIVE and (lower or largest(point.forces) < 2 * self.fmax):
                before = self.surface.calls
                flat = not lower and falls_away(self, point, mode, curvature, modes)
                self.count("verification", before)
                if not flat:
                    self.valley(point, curvature, a, b, depth)
                    return
            before = self.surface.calls
            if largest(point.forces) >= self.fmax:
                point, mode, _ = climb(
                    self.surface,
                    point,
                    curvature,
                    pick(modes, mode),
                    fmax=self.fmax,
                    max_steps=40,
                )
                self.result.method = "eigenvector-following"
                self.saddle = point
                self.count("climb", before)
                if largest(point.forces) >= self.fmax:
                    break
                continue
            if len(modes.values) > 1 and modes.values[1] < NEGATIVE:
                point = leave_ridge(self, point, mode, modes, curvature)
                self.saddle = point
                self.count("ridge", before)
                continue
            break
        judge(self, point, modes)
        if self.result.n_negative == 1 and largest(point.forces) < self.fmax:
            rest = descend(self, point, modes.lowest, curvature, a, b)
            if rest is not None and depth == 0:
                self.other_half(point, *rest, curvature, a, b)

    def other_half(
        self, point: Point, side: int, rest: Point, curvature: Curvature, a: Point, b: Point
    ) -> None:
        """Look for the second saddle of a hop whose first leads to a minimum on the way."""
        self.result.warnings.remove(ONE_END)
        self.result.warnings.append(INTERMEDIATE)
        known = _Half(point, self.down, {**self.snapshot(), "connects": True})
        one, other = (rest, b) if side == 1 else (a, rest)
        found = self.half(one, other, curvature.moved(rest.x))
        self.combine([known, found] if side == 1 else [found, known], rest)

    def valley(self, point: Point, curvature: Curvature, a: Point, b: Point, depth: int) -> None:
        """Take the point as an intermediate, and look for the saddle beside it."""
        before = self.surface.calls
        rest, ok = self.relax(point, curvature.moved(point.x))
        self.count("intermediate", before)
        if not ok or depth >= 1 or self.near(rest, a) or self.near(rest, b):
            self.result.warnings.append("no saddle was found between the endpoints")
            return
        self.result.warnings.append(INTERMEDIATE)
        ends = [(a, rest)]
        if not (self.image is not None and self.image.swaps):
            ends.append((rest, b))
        self.combine([self.half(one, other, curvature) for one, other in ends], rest)

    def half(self, one: Point, other: Point, curvature: Curvature) -> _Half:
        """Search one half of a path with an intermediate."""
        self.down = ([], [])
        result = self.result
        result.connects, result.converged, result.n_negative = False, False, None
        point, mode, learned = between(self, one, other, curvature)
        self.accept(point, mode, learned, one, other, depth=1)
        return _Half(self.saddle or point, self.down, self.snapshot())

    def combine(self, found: list[_Half], rest: Point) -> None:
        """Put a path with an intermediate together; the higher saddle is that of the hop."""
        best = max(found, key=lambda half: half.saddle.energy)
        self.saddle = best.saddle
        self.restore(best.state)
        self.result.intermediate = (rest.x.reshape(-1, 3).copy(), rest.energy)
        self.result.connects = all(half.state["connects"] for half in found)
        self.result.converged = all(half.state["converged"] for half in found)
        self.result.n_negative = max(
            (half.state["n_negative"] or 0 for half in found), key=lambda n: abs(n - 1)
        )
        self.down = ([], [])
        sides = [[*reversed(half.down[0]), half.saddle, *half.down[1]] for half in found]
        if len(found) == 1:
            sides.append([self.mirror(p) for p in reversed(sides[0])])
        self.trail = [*sides[0], rest, *sides[1]]

    trail: list[Point] | None = None

    def snapshot(self) -> dict[str, Any]:
        names = (
            "connects", "n_negative", "curvature_ev_a2", "mode", "converged", "method",
            "max_force_saddle", "projected_force", "intermediate",
        )  # fmt: skip
        return {name: getattr(self.result, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self.result, name, value)

    def near(self, point: Point, minimum: Point) -> bool:
        away = (point.x - minimum.x).reshape(-1, 3)
        away = away - away.mean(axis=0)
        return bool(np.linalg.norm(away, axis=1).max() < ARRIVED_A)

    def mirror(self, point: Point) -> Point:
        """Return the image of a point of a mirrored hop."""
        if self.image is None:  # pragma: no cover - only asked where there is one
            return point
        moved = (point.x - self.first).reshape(-1, 3)
        x = self.last.reshape(-1, 3) + self.image.carry(moved)
        return Point(x.ravel(), point.energy, self.image.carry(point.forces.reshape(-1, 3)).ravel())


@dataclass
class _Half:
    saddle: Point
    down: tuple[list[Point], list[Point]]
    state: dict[str, Any]
