"""From the middle of two minima to where a saddle is near: on the plane across the hop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mgscreen.calculations.saddle_start import hop_direction, hop_rotations, way_past
from mgscreen.calculations.saddle_steps import Point, minimise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.calculations.saddle import _Search as Search
    from mgscreen.calculations.saddle_curvature import Curvature

    Array = NDArray[np.float64]

LEVEL = 0.15
"""A force along the hop below this is near enough to a saddle to climb from, eV/angstrom."""
SAME_A = 0.2
"""Two ways past the neighbours are one where the mobile atom is closer than this to itself."""


def between(
    search: Search, a: Point, b: Point, curvature: Curvature
) -> tuple[Point, Array, Curvature]:
    """Go from the middle of two minima to a saddle.

    Where no symmetry says that it lies in the middle, the force along the hop does: before the
    saddle it points back, behind it onwards.
    """
    before = search.surface.calls
    step = search.place(b.x) - search.place(a.x)
    direction = hop_direction(search.n, search.mobile, step)
    mirrored = (
        search.image is not None and search.image.swaps and a is search.start and b is search.end
    )
    loose = search.fmax if mirrored else max(0.15, search.fmax)
    point, curvature = _across(search, a, b, curvature, direction, loose)
    low, high = a.x, b.x
    for _ in range(0 if mirrored else 4):
        along = float(point.forces @ direction)
        if abs(along) < LEVEL:
            break
        low, high = (low, point.x) if along > 0.0 else (point.x, high)
        middle = 0.5 * (low + high)
        curvature = curvature.moved(middle)
        point, _ = minimise(
            search.surface, search.surface(middle), curvature, fmax=loose, direction=direction
        )
    search.count("plane", before)
    search.result.method = "plane"
    return point, direction, curvature


def _across(
    search: Search, a: Point, b: Point, curvature: Curvature, direction: Array, fmax: float
) -> tuple[Point, Curvature]:
    """Relax the middle of a hop on the plane across it: past the neighbours, and between them.

    Where the two ways stay apart, the lower one is that of the hop. A way that comes to where
    the first one was, or to an image of that, is not followed further.
    """
    step = search.place(b.x) - search.place(a.x)
    straight = 0.5 * (a.x + b.x)
    past = way_past(search.atoms, straight.reshape(-1, 3), search.mobile, step).ravel()
    learned = curvature.moved(past)
    best, done = minimise(
        search.surface, search.surface(past), learned, fmax=fmax, direction=direction
    )
    alike = _images_of(search, best.x, straight, whole=a is search.start and b is search.end)
    if _same_place(search, straight, alike):
        return best, learned
    own = curvature.moved(straight)
    other, also = minimise(
        search.surface,
        search.surface(straight),
        own,
        fmax=fmax,
        direction=direction,
        stop=lambda p: _same_place(search, p.x, alike),
    )
    if also and (not done or other.energy < best.energy):
        return other, own
    return best, learned


def _images_of(search: Search, x: Array, middle: Array, *, whole: bool) -> Array:
    """Return the places of the mobile atom that are alike by the symmetry of the hop."""
    if not whole:
        return search.place(x)[None]
    turned = hop_rotations(
        search.atoms, search.first.reshape(-1, 3), search.last.reshape(-1, 3), search.mobile
    )
    alike: Array = search.place(middle) + turned @ (search.place(x) - search.place(middle))
    return alike


def _same_place(search: Search, x: Array, places: Array) -> bool:
    return bool(np.linalg.norm(places - search.place(x), axis=1).min() < SAME_A)
