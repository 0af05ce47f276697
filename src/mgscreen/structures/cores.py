"""Cores of clusters: metal ions bridged by halide ions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.structures.radii import contact_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.core.species import Component

Core = tuple["NDArray[np.float64]", "NDArray[np.float64]", list[int]]


def core_of(metal: str, count: int, halides: list[Component]) -> Core:
    """Return metal positions, halide positions (angstrom), and the halides at each metal.

    M2X2 is a square diamond; M2X3 a face shared by two octahedra; in M3X4 the middle metal is an
    octahedron with two cis places free, and each of its two pairs of cis halides bridges it to an
    end metal. That the four chlorides of [Mg3(mu-Cl)4(DME)5]2+ bridge two metals each is reported
    (PMC10958330, table 2); the cis arrangement at the middle metal is an assumption of the guess.

    Raises
    ------
    ScientificFailureError
        For any other core.
    """
    if not halides:
        raise ScientificFailureError(f"{count} {metal} ions without a bridging halide")
    d = contact_distance(metal, halides[0].name)
    if (count, len(halides)) == (2, 2):
        half = d / np.sqrt(2)
        return (
            np.array([[-half, 0, 0], [half, 0, 0]]),
            np.array([[0, half, 0], [0, -half, 0]]),
            [2, 2],
        )
    if (count, len(halides)) == (2, 3):
        # cis halides of an octahedron: the face lies d/sqrt(3) from the metal
        angles = 2 * np.pi * np.arange(3) / 3
        radius = d * np.sqrt(2 / 3)
        ring = np.stack([np.zeros(3), radius * np.cos(angles), radius * np.sin(angles)], axis=1)
        height = d / np.sqrt(3)
        return np.array([[-height, 0, 0], [height, 0, 0]]), ring, [3, 3]
    if (count, len(halides)) == (3, 4):
        x, y, z = np.eye(3) * d
        bridges = np.array([-x, z, -y, -z])
        # each end metal completes the square of its pair of halides
        return np.array([z - x, np.zeros(3), -y - z]), bridges, [2, 4, 2]
    raise ScientificFailureError(f"no core is known for {count} {metal} and {len(halides)} halides")
