"""Whether a point is a saddle, and what to do about a ridge or a flat top."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.calculations.saddle_start import hop_direction
from mgscreen.calculations.saddle_steps import (
    Modes,
    Point,
    largest,
    lowest_modes,
    minimise,
    project,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.calculations.saddle import _Search as Search
    from mgscreen.calculations.saddle_curvature import Curvature
    from mgscreen.calculations.saddle_result import PathResult

    Array = NDArray[np.float64]

SIDE_STEP_A = 0.15
"""First step off a saddle or a ridge, angstrom."""
NEGATIVE = -0.02
"""A curvature below this is negative, eV/angstrom^2: above the noise of single precision."""
SOFT = 0.3
"""A curvature below this may be that of a flat top, eV/angstrom^2: a longer way will tell."""
FLAT_EV = 0.002
"""By how much a flat top has to fall over that way, eV."""


def measure(search: Search, point: Point, mode: Array, curvature: Curvature) -> Modes:
    """Lowest curvatures: along the hop, and across it with the surroundings giving way."""
    step = mode.reshape(-1, 3)[search.mobile]
    unit = step / np.linalg.norm(step)
    helper = np.eye(3)[int(np.argmin(np.abs(unit)))]
    across = np.cross(unit, helper)
    probes = [mode]
    for vector in (across, np.cross(unit, across)):
        probe = hop_direction(search.n, search.mobile, vector)
        soft = np.linalg.solve(curvature.matrix + 1e-6 * np.eye(3 * search.n), probe)
        probes.append(soft / np.linalg.norm(soft))
    return lowest_modes(search.surface, point, curvature, probes, max_calls=6)


def falls_away(
    search: Search, point: Point, mode: Array, curvature: Curvature, modes: Modes
) -> bool:
    """Tell whether a point without a negative curvature is a flat top after all.

    Over 0.03 angstrom the noise of single precision hides a small curvature; over ten times
    that way, the surroundings relaxed, it does not.
    """
    if modes.values[0] >= SOFT:
        return False
    way = 2.0 * SIDE_STEP_A
    changes = []
    mirrored = search.image is not None and search.image.swaps
    for sign in (-1.0,) if mirrored else (-1.0, 1.0):
        there = search.surface(point.x + sign * way * mode / largest(mode))
        lower, _ = minimise(
            search.surface,
            there,
            curvature.moved(there.x),
            fmax=2 * search.fmax,
            direction=mode,
            max_steps=4,
        )
        changes.append(lower.energy - point.energy)
        search.beside[sign] = lower
    if max(changes) > -FLAT_EV:
        search.beside = {}
        return False
    modes.values[0] = 2.0 * max(changes) / way**2
    modes.lowest = mode
    search.result.warnings.append(f"the saddle is flat: its curvature is that over {way:g} A")
    return True


def pick(modes: Modes, mode: Array) -> Array:
    """Return the mode to climb along: the lowest one, if it is that of the hop at all."""
    return modes.lowest if abs(float(modes.lowest @ mode)) > 0.3 else mode  # noqa: PLR2004


def leave_ridge(
    search: Search, point: Point, mode: Array, modes: Modes, curvature: Curvature
) -> Point:
    """Go down from a point with two negative curvatures, across the hop."""
    values, vectors = np.linalg.eigh(curvature.matrix)
    side = project(vectors[:, int(np.argsort(values)[1])], mode)
    if modes.values[0] < NEGATIVE and abs(float(modes.lowest @ mode)) < 0.7:  # noqa: PLR2004
        side = project(modes.lowest, mode)
    side /= np.linalg.norm(side)
    fresh = curvature.moved(point.x)
    shifted = search.surface(point.x + SIDE_STEP_A * side / largest(side))
    lower, _ = minimise(search.surface, shifted, fresh, fmax=search.fmax, direction=mode)
    curvature.matrix = fresh.matrix
    return lower


def judge(search: Search, point: Point, modes: Modes) -> None:
    """Write down what is known of a saddle."""
    result = search.result
    result.curvature_ev_a2 = float(modes.values[0])
    result.n_negative = int((modes.values < NEGATIVE).sum())
    result.mode = modes.lowest.reshape(-1, 3)
    result.max_force_saddle = largest(point.forces)
    result.projected_force = largest(project(point.forces, modes.lowest))
    result.converged = largest(point.forces) < search.fmax


def assemble(search: Search) -> PathResult:
    """Put the path together from what is there, converged or not."""
    result = search.result
    result.force_calls = search.surface.calls
    a, b, s = search.start, search.end, search.saddle
    if a is None:
        seen = search.surface.seen
        a = min(seen, key=lambda p: p.energy) if seen else None
    trail = search.trail
    if trail is None and s is not None:
        trail = [*reversed(search.down[0]), s, *search.down[1]]
    if s is not None and result.verified:
        # the first step off a saddle is straight and may go up: it is no part of the path
        trail = [p for p in trail or [] if p is s or p.energy <= s.energy]
    points = [p for p in (a, *(trail or []), b) if p is not None]
    result.images = [p.x.reshape(-1, 3).copy() for p in points]
    result.energies_ev = [p.energy for p in points]
    steps = [float(np.linalg.norm(q.x - p.x)) for p, q in pairwise(points)]
    result.coordinates_a = [float(c) for c in np.cumsum([0.0, *steps])][: len(points)]
    if a is not None:
        result.initial, result.initial_energy_ev = a.x.reshape(-1, 3).copy(), a.energy
    if b is not None:
        result.final, result.final_energy_ev = b.x.reshape(-1, 3).copy(), b.energy
    if s is not None:
        result.saddle, result.saddle_energy_ev = s.x.reshape(-1, 3).copy(), s.energy
        if a is not None and b is not None:
            result.barrier_forward_ev = s.energy - a.energy
            result.barrier_backward_ev = s.energy - b.energy
    return result
