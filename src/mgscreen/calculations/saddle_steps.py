"""Moves on an energy surface: down to a minimum, up to a saddle, and along the lowest mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mgscreen.calculations.saddle_curvature import Curvature

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

LONGEST_A = 0.25
"""An atom moves no further in one step, angstrom."""
DELTA_A = 0.03
"""Displacement of a finite difference, angstrom: above the noise of single precision."""


class OutOfCallsError(Exception):
    """The search has used the force calls that it was allowed."""


UPHILL_EV = 0.02
"""A step that goes up by more is taken back, eV: above the noise of single precision."""


@dataclass(frozen=True)
class Point:
    """Flat positions (angstrom), energy (eV) and flat forces (eV/angstrom)."""

    x: Array
    energy: float
    forces: Array


class Surface:
    """An energy surface that counts and remembers how often it was asked.

    Parameters
    ----------
    evaluate
        Positions, shape (n, 3), to energy and forces.
    n
        Number of atoms.
    fixed
        Atoms that are held.
    max_calls
        Calls allowed.
    """

    def __init__(
        self, evaluate: Evaluate, n: int, fixed: Sequence[int] = (), max_calls: int = 400
    ) -> None:
        self.evaluate = evaluate
        free = np.ones((n, 3), dtype=bool)
        free[list(fixed)] = False
        self.free = free.ravel()
        self.max_calls = max_calls
        self.calls = 0
        self.seen: list[Point] = []

    def __call__(self, x: Array) -> Point:
        """Return energy and forces at flat positions.

        Raises
        ------
        OutOfCallsError
            If no call is left.
        """
        if self.calls >= self.max_calls:
            raise OutOfCallsError
        self.calls += 1
        energy, forces = self.evaluate(x.reshape(-1, 3))
        flat = np.where(self.free, np.asarray(forces, dtype=float).ravel(), 0.0)
        point = Point(x.copy(), float(energy), flat)
        self.seen.append(point)
        return point


def largest(flat: Array) -> float:
    """Return the largest length of the rows of a flat vector."""
    return float(np.linalg.norm(flat.reshape(-1, 3), axis=1).max())


def project(flat: Array, direction: Array | None) -> Array:
    """Return a vector without its part along a unit vector."""
    return flat if direction is None else flat - float(flat @ direction) * direction


def minimise(  # noqa: PLR0913
    surface: Surface,
    start: Point,
    curvature: Curvature,
    *,
    fmax: float,
    direction: Array | None = None,
    max_steps: int = 200,
    trust: float = 0.15,
    stop: Callable[[Point], bool] | None = None,
    trail: list[Point] | None = None,
) -> tuple[Point, bool]:
    """Go down to where no force is left, or to where ``stop`` says so.

    Quasi-Newton steps inside a trust radius; ``curvature`` learns.

    Parameters
    ----------
    direction
        Unit vector along which nothing moves.
    trust
        First limit of a step, angstrom (largest move of an atom).
    trail
        Takes the points that were accepted.

    Returns
    -------
    tuple
        The last point, and whether its forces are below ``fmax``.
    """
    from scipy.linalg import cho_factor, cho_solve

    here = start
    for _ in range(max_steps):
        force = project(here.forces, direction)
        if largest(force) < fmax:
            return here, True
        matrix = curvature.matrix
        if direction is not None:
            bent = matrix @ direction
            matrix = matrix - np.outer(bent, direction) - np.outer(direction, bent)
            matrix += (float(direction @ bent) + 100.0) * np.outer(direction, direction)
        step = project(cho_solve(cho_factor(matrix), force), direction)
        step = np.where(surface.free, step, 0.0)
        length = largest(step)
        if length > trust:
            step *= trust / length
        there = surface(here.x + step)
        expected = float(force @ step) - 0.5 * float(step @ curvature.matrix @ step)
        gained = here.energy - there.energy
        curvature.learn(step, here.forces - there.forces)
        if gained < -UPHILL_EV and gained < -0.5 * expected:  # uphill, and not by noise
            trust = max(0.02, 0.4 * min(trust, length))
            continue
        if gained > 0.6 * expected:
            trust = min(LONGEST_A, 1.6 * trust)
        elif gained < 0.1 * expected:
            trust = max(0.03, 0.6 * trust)
        here = there
        if trail is not None:
            trail.append(here)
        if stop is not None and stop(here):
            return here, False
    return here, largest(project(here.forces, direction)) < fmax


def climb(
    surface: Surface,
    start: Point,
    curvature: Curvature,
    mode: Array,
    *,
    fmax: float,
    max_steps: int = 60,
    trust: float = 0.12,
) -> tuple[Point, Array, bool]:
    """Go up along a mode and down along all others to a saddle.

    Eigenvector following with quasi-Newton steps: C. J. Cerjan and W. H. Miller, J. Chem. Phys.
    75, 2800 (1981); the curvature along the mode is measured first.

    Parameters
    ----------
    mode
        Unit vector that is followed upwards at first.

    Returns
    -------
    tuple
        The last point, its mode, and whether its forces are below ``fmax``.
    """
    here = start
    for _ in range(max_steps):
        values, vectors = np.linalg.eigh(curvature.matrix)
        overlap = np.abs(vectors.T @ mode)
        k = int(np.argmax(overlap))
        mode = vectors[:, k] * np.sign(vectors[:, k] @ mode)
        if largest(here.forces) < fmax and values[k] < 0.0:
            return here, mode, True
        size = np.maximum(np.abs(values), 0.2)
        parts = (vectors.T @ here.forces) / size
        parts[k] = -parts[k]
        step = np.where(surface.free, vectors @ parts, 0.0)
        length = largest(step)
        if length > trust:
            step *= trust / length
        there = surface(here.x + step)
        expected = here.forces - curvature.matrix @ step
        miss = largest(there.forces - expected) / max(largest(here.forces - there.forces), 1e-9)
        trust = min(0.2, 1.4 * trust) if miss < 0.4 else max(0.03, 0.7 * trust)  # noqa: PLR2004
        curvature.learn_any(step, here.forces - there.forces)
        here = there
    return here, mode, largest(here.forces) < fmax


def bend(surface: Surface, at: Point, direction: Array) -> Array:
    """Return the second derivatives times a unit vector, by one forward difference."""
    length = DELTA_A / max(largest(direction), 1e-9)
    there = surface(at.x + length * direction)
    change: Array = (at.forces - there.forces) / length
    return change


@dataclass
class Modes:
    """Lowest curvatures at a point, eV/angstrom^2, ascending, and the lowest's unit vector."""

    values: Array
    lowest: Array
    residual: float


def lowest_modes(
    surface: Surface,
    at: Point,
    curvature: Curvature,
    first: Sequence[Array],
    *,
    max_calls: int = 6,
    tolerance: float = 0.3,
) -> Modes:
    """Find the lowest curvature by the method of Davidson, with the model as preconditioner.

    E. R. Davidson, J. Comput. Phys. 17, 87 (1975). The curvatures are upper bounds of the true
    ones: a negative one is negative.

    Parameters
    ----------
    first
        Directions that are tried at any rate.
    max_calls
        Calls allowed, those of ``first`` included.
    tolerance
        Residual at which the lowest mode counts as found, as a part of its curvature.
    """
    basis: list[Array] = []
    images: list[Array] = []
    pending = list(first)
    modes = Modes(np.zeros(0), np.zeros(0), np.inf)
    while len(basis) < max_calls:
        vector = pending.pop(0) if pending else None
        if vector is None:
            vector = _correction(curvature, modes, basis, images)
        vector = np.where(surface.free, vector, 0.0)
        for _ in range(2):
            for known in basis:
                vector = vector - float(vector @ known) * known
        norm = float(np.linalg.norm(vector))
        if norm < 1e-6:  # noqa: PLR2004 - nothing new
            if pending:
                continue
            break
        vector /= norm
        image = bend(surface, at, vector)
        basis.append(vector)
        images.append(image)
        modes = _ritz(basis, images)
        if not pending and modes.residual < tolerance * max(abs(float(modes.values[0])), 0.3):
            break
    for vector, image in zip(basis, images, strict=True):
        curvature.learn_any(vector, image)
    return modes


def _ritz(basis: list[Array], images: list[Array]) -> Modes:
    v, hv = np.array(basis).T, np.array(images).T
    small = v.T @ hv
    values, vectors = np.linalg.eigh(0.5 * (small + small.T))
    lowest = v @ vectors[:, 0]
    residual = hv @ vectors[:, 0] - values[0] * lowest
    return Modes(values, lowest, float(np.linalg.norm(residual)))


def _correction(
    curvature: Curvature, modes: Modes, basis: list[Array], images: list[Array]
) -> Array:
    v, hv = np.array(basis).T, np.array(images).T
    weights = v.T @ modes.lowest
    residual = hv @ weights - modes.values[0] * modes.lowest
    values, vectors = np.linalg.eigh(curvature.matrix)
    gap = np.maximum(np.abs(values) - float(modes.values[0]), 0.5)
    correction: Array = vectors @ ((vectors.T @ residual) / gap)
    return correction
