"""From a saddle down on both sides, to the endpoints or to what lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.calculations.saddle_check import SIDE_STEP_A
from mgscreen.calculations.saddle_steps import Point, largest, minimise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.calculations.saddle import _Search as Search
    from mgscreen.calculations.saddle_curvature import Curvature

    Array = NDArray[np.float64]

ONE_END = "the saddle does not lead to both endpoints"
ARRIVED_A = 0.45
"""A path that goes down has arrived where no atom is further than this from the minimum."""
SETTLED_EV = 0.005
"""By how much another minimum has to be lower to be the endpoint, eV."""
SETTLED_A = 1.0
"""An endpoint that relaxes further on the way down is still that of the hop within this."""


def descend(
    search: Search, point: Point, mode: Array, curvature: Curvature, a: Point, b: Point
) -> tuple[int, Point] | None:
    """Follow the path down on both sides; one suffices where the hop is mirrored.

    Returns
    -------
    tuple or None
        Where it arrives at one end alone: the other side, 0 or 1, and the minimum there.
    """
    before = search.surface.calls
    towards = b.x - a.x
    mode = mode * (1.0 if float(mode @ towards) >= 0.0 else -1.0)
    whole = a is search.start and b is search.end
    mirrored = search.image is not None and search.image.swaps and whole
    reached: list[Any] = []
    between: list[tuple[int, Point]] = []
    for side, minimum in ((0, a), (1, b)):
        if side == 1 and mirrored:
            search.down[1].extend(search.mirror(p) for p in search.down[0])
            reached.append(reached[0])
            if search.start is not None and search.start is not a:
                search.end = search.mirror(search.start)
            continue
        sign = 1.0 if side == 1 else -1.0
        there = search.beside.get(sign)
        if there is None:
            there = search.surface(point.x + sign * 2 * SIDE_STEP_A * mode / largest(mode))
        trail = search.down[side]
        trail.append(there)
        soft = curvature.moved(there.x)
        last, rests = minimise(
            search.surface,
            there,
            soft,
            fmax=search.fmax,
            trust=0.25,
            max_steps=40,
            trail=trail,
            stop=lambda p, minimum=minimum: search.near(p, minimum),  # type: ignore[misc]
        )
        here = search.near(last, minimum) or (
            whole and rests and _settles(search, last, minimum, side)
        )
        reached.append(here)
        if not here and rests:
            search.result.intermediate = (last.x.reshape(-1, 3).copy(), last.energy)
            if not (search.near(last, a) or search.near(last, b)):
                between.append((side, last))
    search.result.connects = all(reached)
    if not search.result.connects:
        search.result.warnings.append(ONE_END)
    search.count("descent", before)
    return between[0] if any(reached) and between else None


def _settles(search: Search, rest: Point, minimum: Point, side: int) -> bool:
    """Take a lower minimum with the mobile atom in its place as the endpoint of the hop.

    The surroundings of a defect may have more than one minimum. The relaxation of the
    endpoint found a higher one; the barrier counts from the lower one.
    """
    away = (rest.x - minimum.x).reshape(-1, 3)
    far = float(np.linalg.norm(away - away.mean(axis=0), axis=1).max())
    moved = float(np.linalg.norm(search.place(rest.x) - search.place(minimum.x)))
    gain = minimum.energy - rest.energy
    if gain < SETTLED_EV or far > SETTLED_A or moved > ARRIVED_A:
        return False
    search.down[side][:] = [p for p in search.down[side] if p is not rest]
    if side == 0:
        search.start = rest
    else:
        search.end = rest
    search.result.warnings.append(
        f"the {'final' if side else 'initial'} structure relaxes further on the way down, by "
        f"{gain:.3f} eV and {far:.1f} A: the barrier counts from there"
    )
    return True
