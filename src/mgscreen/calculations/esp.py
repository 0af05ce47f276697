"""Electrostatic potential on the 0.001 a.u. isodensity surface of a molecule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.steps import absent, provenance, single_point, value, write_atomically
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.base import SurfacePotential
    from mgscreen.engines.level import Level


class SurfaceExtremum(BaseModel):
    """A point of the surface, and the atom that it lies at."""

    model_config = ConfigDict(extra="forbid")

    potential_v: float
    position: tuple[float, float, float] = Field(description="angstrom")
    atom: int = Field(description="zero-based index of the nearest atom")
    distance_a: float = Field(description="to that atom, angstrom")
    label: str = Field(description="element, zero-based index and, if known, its fragment")


class EspDocument(Document):
    """Lowest and highest potential on the isodensity surface, V (1 V = 23.06 kcal/mol per e)."""

    minimum: SurfaceExtremum | None = None
    maximum: SurfaceExtremum | None = None
    area_a2: float | None = Field(default=None, description="of the surface, square angstrom")
    isovalue: float | None = Field(default=None, description="electrons per cubic bohr")
    n_points: int = 0

    def properties(self) -> list[PropertyValue]:
        """Return both extrema and the atoms nearest to them."""
        if self.state == "failed" or self.minimum is None or self.maximum is None:
            return absent(["esp_min", "esp_max"], self.reason, self.level)
        at = f"on the {self.isovalue:g} a.u. isodensity surface"
        return [
            value("esp_min", self.minimum.potential_v, self.level, reference=at),
            value("esp_max", self.maximum.potential_v, self.level, reference=at),
            value("esp_min_atom", None, self.level, text=self.minimum.label),
            value("esp_max_atom", None, self.level, text=self.maximum.label),
        ]


@calculation("esp", EspDocument)
def electrostatic_potential(
    structure: AtomicStructure, level: Level, cube: bool = False, identity: str = ""
) -> EspDocument:
    """Compute the electrostatic potential on the 0.001 electrons/bohr^3 surface.

    The isovalue is that of R. F. W. Bader et al., J. Am. Chem. Soc. 109, 7968 (1987).

    Parameters
    ----------
    structure
        Atoms with charge and multiplicity.
    level
        Level of theory.
    cube
        Also write the electron density as a Gaussian cube file (a few MB).
    identity
        Set by the calculation's frame.

    Returns
    -------
    EspDocument
        ``files`` names the surface as a PLY mesh (vertices in angstrom, potential in V), and the
        density as a cube file (bohr, electrons/bohr^3) if asked for.
    """
    engine = get_engine(level)
    folder = runtime().workdir(identity) / "esp"
    state = single_point(engine, structure, folder)
    surface = engine.surface_potential(structure, folder, state.wavefunction)
    if len(surface.values) == 0:
        raise ScientificFailureError("the isodensity surface has no points")
    path = runtime().artefacts(identity) / "esp-surface.ply"
    _write_ply(path, surface)
    files = {"esp_surface": runtime().name_of(path)}
    if cube:
        density = path.with_name("density.cube")
        engine.density_cube(structure, folder, density, state.wavefunction)
        files["density_cube"] = runtime().name_of(density)
    return EspDocument(
        **provenance(engine),
        structure=structure,
        minimum=_extremum(structure, surface, int(surface.values.argmin())),
        maximum=_extremum(structure, surface, int(surface.values.argmax())),
        area_a2=float(surface.area_a2),
        isovalue=float(surface.isovalue),
        n_points=len(surface.values),
        converged={"scf": True},
        warnings=state.warnings,
        recovery=state.recovery,
        files=files,
    )


def _extremum(structure: AtomicStructure, surface: SurfacePotential, index: int) -> SurfaceExtremum:
    import numpy as np

    point = surface.points[index]
    distances = np.linalg.norm(np.asarray(structure.positions) - point, axis=1)
    atom = int(distances.argmin())
    part = next((f.name for f in structure.fragments if atom in f.atoms), "")
    x, y, z = (float(c) for c in point)
    return SurfaceExtremum(
        potential_v=float(surface.values[index]),
        position=(x, y, z),
        atom=atom,
        distance_a=float(distances[atom]),
        label=f"{structure.symbols[atom]}{atom}" + (f" of {part}" if part else ""),
    )


def _write_ply(path: Path, surface: SurfacePotential) -> None:
    """Write the surface as an ASCII PLY mesh with the potential (V) at each vertex."""
    faces = [] if surface.faces is None else surface.faces
    head = [
        "ply",
        "format ascii 1.0",
        f"comment electrostatic potential, V, on the {surface.isovalue:g} a.u. surface; angstrom",
        f"element vertex {len(surface.points)}",
        *(f"property float {name}" for name in ("x", "y", "z", "potential")),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    rows = [
        f"{x:.5f} {y:.5f} {z:.5f} {v:.6f}"
        for (x, y, z), v in zip(surface.points, surface.values, strict=True)
    ]
    mesh = [f"3 {a} {b} {c}" for a, b, c in faces]
    write_atomically(path, "\n".join([*head, *rows, *mesh]) + "\n")
