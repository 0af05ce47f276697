"""Electrostatic potential on an isodensity surface.

The density is taken on a grid of 0.3 bohr, its surface by marching cubes, and the potential at the
surface's vertices from exact integrals. The surface of 0.001 electrons/bohr^3 is that of
R. F. W. Bader et al., J. Am. Chem. Soc. 109, 7968 (1987), doi:10.1021/ja00260a006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyscf import lib
from pyscf.dft import numint

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.base import SurfacePotential
from mgscreen.engines.units import BOHR_A, HARTREE_EV

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MARGINS_BOHR = (5.0, 8.0, 12.0)
"""room around the atoms, tried in this order until the surface fits"""
CHUNK_MB = 200.0


def surface_potential(mol: Any, density: Array, settings: dict[str, Any]) -> SurfacePotential:
    """Compute the potential on the isodensity surface.

    Parameters
    ----------
    mol
        PySCF's molecule.
    density
        Total density matrix, shape (n_ao, n_ao).
    settings
        ``esp_isovalue`` (electrons/bohr^3) and ``esp_spacing_bohr``.

    Raises
    ------
    ScientificFailureError
        If the surface does not close within 12 bohr of the atoms.
    """
    from skimage import measure

    mesh: Any = measure

    isovalue, spacing = float(settings["esp_isovalue"]), float(settings["esp_spacing_bohr"])
    with lib.with_omp_threads(runtime().threads):
        origin, values = density_grid(mol, density, isovalue, spacing)
        # The density falls off exponentially: its logarithm is what is nearly linear in a cell.
        logarithm = np.log(np.maximum(values, 1e-12))
        vertices, faces, _, _ = mesh.marching_cubes(
            logarithm, level=float(np.log(isovalue)), spacing=(spacing,) * 3
        )
        points = vertices.astype(float) + origin
        potential = potential_at(mol, density, points)
    return SurfacePotential(
        points=points * BOHR_A,
        values=potential * HARTREE_EV,
        isovalue=isovalue,
        faces=faces,
        area_a2=float(mesh.mesh_surface_area(vertices, faces)) * BOHR_A**2,
    )


def density_grid(mol: Any, density: Array, isovalue: float, spacing: float) -> tuple[Array, Array]:
    """Return origin (bohr) and values of the density on a cubic grid that holds the surface.

    Raises
    ------
    ScientificFailureError
        If the density at the walls is above ``isovalue`` 12 bohr away from the atoms.
    """
    atoms = mol.atom_coords()
    for margin in MARGINS_BOHR:
        low, high = atoms.min(axis=0) - margin, atoms.max(axis=0) + margin
        shape = np.ceil((high - low) / spacing).astype(int) + 1
        axes = [low[i] + spacing * np.arange(shape[i]) for i in range(3)]
        values = np.empty(shape)
        plane = np.stack(np.meshgrid(axes[1], axes[2], indexing="ij"), axis=-1).reshape(-1, 2)
        for i, x in enumerate(axes[0]):
            points = np.column_stack([np.full(len(plane), x), plane])
            orbitals = numint.eval_ao(mol, points)
            values[i] = numint.eval_rho(mol, orbitals, density, hermi=1).reshape(shape[1:])
        walls = max(
            values[0].max(), values[-1].max(), values[:, 0].max(), values[:, -1].max(),
            values[:, :, 0].max(), values[:, :, -1].max(),
        )  # fmt: skip
        if walls < isovalue:
            return low, values
    raise ScientificFailureError(
        f"the {isovalue:g} a.u. isodensity surface does not close within {MARGINS_BOHR[-1]:g} bohr"
    )


def potential_at(mol: Any, density: Array, points: Array) -> Array:
    """Return the electrostatic potential (hartree/e) of nuclei and electrons at points (bohr)."""
    size = density.shape[0]
    packed = lib.pack_tril(density + density.T)
    packed[np.cumsum(np.arange(1, size + 1)) - 1] *= 0.5
    chunk = max(int(CHUNK_MB * 1e6 / 8 / size**2), 16)
    potential = np.empty(len(points))
    charges, atoms = mol.atom_charges(), mol.atom_coords()
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        integrals = mol.intor("int1e_grids", hermi=1, grids=part)
        electrons = lib.pack_tril(integrals) @ packed
        distances = np.linalg.norm(part[:, None] - atoms[None], axis=2)
        potential[start : start + chunk] = (charges / distances).sum(axis=1) - electrons
    return potential


def write_density_cube(path: Any, mol: Any, density: Array) -> None:
    """Write the electron density (electrons/bohr^3) as a Gaussian cube file."""
    from pyscf.tools import cubegen

    cubegen.density(mol, str(path), density, resolution=0.3)
