"""A climbing band between two minima: what is left where the direct ways to a saddle fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from mgscreen.calculations.saddle_steps import Point, Surface

    Array = NDArray[np.float64]

IMAGES = 5
"""Images that move."""
FIRST_STEPS = 30
"""Steps before the highest image climbs."""
STEPS = 60


class _Asking(Calculator):
    """ASE's view of a surface."""

    implemented_properties: list[str] = ["energy", "forces"]  # noqa: RUF012 - as ASE has it

    def __init__(self, surface: Surface) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.surface = surface
        self.point: Point | None = None

    def calculate(
        self,
        atoms: Any = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Ask the surface."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        self.point = self.surface(np.asarray(atoms.positions, dtype=float).ravel())
        self.results = {
            "energy": self.point.energy,
            "forces": self.point.forces.reshape(-1, 3),
        }


def climbing_band(
    surface: Surface, atoms: Atoms, start: Point, middle: Array, end: Point, *, fmax: float
) -> tuple[list[Point], int, Array]:
    """Relax a band from one minimum to the other; its highest image climbs.

    Improved tangents: G. Henkelman and H. Jonsson, J. Chem. Phys. 113, 9978 (2000); climbing image:
    G. Henkelman, B. P. Uberuaga and H. Jonsson, J. Chem. Phys. 113, 9901 (2000). Convergence is
    judged by the projected forces.

    Parameters
    ----------
    surface
        Counts the calls; may end the band by ``OutOfCallsError``.
    atoms
        Symbols and cell.
    start, end
        The relaxed endpoints.
    middle
        Flat positions that the first path goes through, off the straight line where that runs into
        an atom or along a ridge.
    fmax
        Largest projected force, eV/angstrom.

    Returns
    -------
    tuple
        The points, endpoints included, the number of the highest, and the unit tangent there.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.mep import NEB
    from ase.optimize import FIRE

    images = []
    for t in np.linspace(0.0, 1.0, IMAGES + 2):
        one = atoms.copy()
        near, share = (start.x, 2 * t) if 2 * t < 1 else (end.x, 2 - 2 * t)
        x = near + share * (middle - near)
        one.positions[:] = x.reshape(-1, 3)
        one.calc = _Asking(surface)
        images.append(one)
    for image, known in ((images[0], start), (images[-1], end)):
        image.calc = SinglePointCalculator(
            image, energy=known.energy, forces=known.forces.reshape(-1, 3)
        )
    # the first half without climbing: a climber on a poor band runs away
    for climb, steps, limit in ((False, FIRST_STEPS, 5 * fmax), (True, STEPS, fmax)):
        band = NEB(images, k=0.5, climb=climb, method="improvedtangent")
        FIRE(band, logfile=None, maxstep=0.15).run(fmax=limit, steps=steps)
    points = [start, *(_point(image) for image in images[1:-1]), end]
    top = max(range(1, IMAGES + 1), key=lambda k: points[k].energy)
    tangent = points[top + 1].x - points[top - 1].x
    return points, top, tangent / np.linalg.norm(tangent)


def _point(image: Any) -> Point:
    image.get_potential_energy()
    point: Point = image.calc.point
    return point
