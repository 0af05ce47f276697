"""Relax endpoint and saddle of a hop at an expensive level, from what a cheap one found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.calculations.saddle_curvature import Curvature
from mgscreen.calculations.saddle_start import hop_direction
from mgscreen.calculations.saddle_steps import OutOfCallsError, Surface, climb, largest, minimise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True)
class Refined:
    """A structure relaxed at the expensive level, or as far as the calls went.

    Attributes
    ----------
    positions
        Angstrom, shape (n, 3).
    max_force_ev_a
        What is left, eV/angstrom.
    """

    positions: Array
    energy_ev: float
    max_force_ev_a: float
    converged: bool
    force_calls: int


def refine_minimum(
    evaluate: Evaluate, structure: AtomicStructure, *, fmax: float = 0.05, max_calls: int = 30
) -> Refined:
    """Relax an endpoint.

    Parameters
    ----------
    evaluate
        Positions, shape (n, 3), to energy (eV) and forces (eV/angstrom).
    structure
        Where the cheap level ended.
    fmax
        Largest force, eV/angstrom.
    max_calls
        Force calls allowed.
    """
    surface, x, curvature = _begin(evaluate, structure, max_calls)
    with suppress(OutOfCallsError):
        minimise(surface, surface(x), curvature, fmax=fmax)
    return _best(surface, fmax)


def refine_saddle(
    evaluate: Evaluate,
    saddle: AtomicStructure,
    mobile: int,
    direction: tuple[float, float, float],
    *,
    fmax: float = 0.05,
    max_calls: int = 30,
) -> Refined:
    """Relax a saddle: up along the hop, down along everything else.

    Parameters
    ----------
    evaluate, fmax, max_calls
        See ``refine_minimum``.
    saddle
        The saddle of the cheap level.
    mobile, direction
        The atom that hops, and where to.

    Returns
    -------
    Refined
        Not verified again: that the mode is the hop is what the cheap level says.
    """
    surface, x, curvature = _begin(evaluate, saddle, max_calls)
    mode = hop_direction(len(saddle.symbols), mobile, np.asarray(direction, dtype=float))
    curvature.soften(mode, -1.0)
    with suppress(OutOfCallsError):
        climb(surface, surface(x), curvature, mode, fmax=fmax)
    return _best(surface, fmax)


def _begin(
    evaluate: Evaluate, structure: AtomicStructure, max_calls: int
) -> tuple[Surface, Array, Curvature]:
    x = np.asarray(structure.positions, dtype=float).ravel()
    surface = Surface(evaluate, len(structure.symbols), max_calls=max_calls)
    return surface, x, Curvature(structure.to_ase(), x)


def _best(surface: Surface, fmax: float) -> Refined:
    point = min(surface.seen, key=lambda p: largest(p.forces))
    force = largest(point.forces)
    return Refined(point.x.reshape(-1, 3).copy(), point.energy, force, force < fmax, surface.calls)
