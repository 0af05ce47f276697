"""What a search for a saddle gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Method = Literal["plane", "eigenvector-following", "ci-neb", "none"]


@dataclass
class PathResult:
    """A path from one minimum to another; positions have shape (n, 3), angstrom."""

    images: list[Array] = field(default_factory=list)
    energies_ev: list[float] = field(default_factory=list)
    coordinates_a: list[float] = field(default_factory=list)
    """length of the path in the space of all atoms"""
    initial: Array | None = None
    final: Array | None = None
    saddle: Array | None = None
    initial_energy_ev: float | None = None
    final_energy_ev: float | None = None
    saddle_energy_ev: float | None = None
    barrier_forward_ev: float | None = None
    barrier_backward_ev: float | None = None
    method: Method = "none"
    force_calls: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    """force calls by what they were for"""
    max_force_saddle: float | None = None
    """largest force on an atom at the saddle, eV/angstrom"""
    projected_force: float | None = None
    """the same without the part along the mode"""
    curvature_ev_a2: float | None = None
    """lowest, along the unstable mode"""
    mode: Array | None = None
    n_negative: int | None = None
    connects: bool = False
    converged: bool = False
    symmetric: bool = False
    warnings: list[str] = field(default_factory=list)
    intermediate: tuple[Array, float] | None = None

    @property
    def verified(self) -> bool:
        """Whether the saddle has one negative curvature and leads to both endpoints."""
        return self.converged and self.connects and self.n_negative == 1
