"""Gaussian as an engine that has been run already: single points are read from its log files.

The files are named by their SHA-256 in the level's settings, so that a result depends on them and
on nothing else; they lie in the campaign's folder of files under ``imported/``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.engines.base import ElectronicResult, FrontierOrbitals
from mgscreen.engines.imported import imported_file
from mgscreen.engines.units import HARTREE_EV

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.base import RelaxationResult, SurfacePotential, VibrationResult
    from mgscreen.engines.level import Level

_VERSION = re.compile(r"^ Gaussian (\d+):\s+(\S+)", re.MULTILINE)
_S2 = re.compile(r"<S\*\*2>=\s*(-?[0-9.]+)")
_SCF = re.compile(r"SCF Done:\s+E\((\S+)\)\s*=\s*(-?[0-9.]+)")
_MULLIKEN = re.compile(r"^ Mulliken charges(?: and spin densities)?:\n\s+[\d ]+\n", re.MULTILINE)
_EPS = re.compile(r"Eps\s*=\s*([0-9.]+)")
_FAR_A = 1e-3
"""Atoms of an output may differ from those of the input by this, angstrom."""


class GaussianOutputs:
    """Reads what Gaussian has computed.

    Parameters
    ----------
    level
        ``gaussian:b3lyp/6-31g(d)`` with the setting ``outputs``: SHA-256 of a log file by charge
        and multiplicity, ``{"-1/1": "9f86..."}``.
    """

    code = "Gaussian"

    def __init__(self, level: Level) -> None:
        self.level = level
        self._outputs: dict[str, str] = dict(level.settings.get("outputs", {}))
        self._version = ""

    @property
    def code_version(self) -> str:
        """Version that the log files state; they are read before it is asked for."""
        for sha in self._outputs.values():
            found = _VERSION.search(imported_file(sha).read_text(errors="replace")[:100_000])
            if found is not None:
                return f"{found.group(1)} ({found.group(2)})"
        return ""

    def settings(self) -> dict[str, Any]:
        """Return the files."""
        return {"outputs": self._outputs}

    def single_point(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> ElectronicResult:
        """Read the single point of this charge and multiplicity."""
        del workdir, guess
        key = f"{structure.charge}/{structure.multiplicity}"
        if key not in self._outputs:
            raise ScientificFailureError(f"there is no output of charge/multiplicity {key}")
        return read_single_point(imported_file(self._outputs[key]), structure, self.level)

    def relax(self, structure: AtomicStructure, workdir: Path) -> RelaxationResult:
        """Refuse: geometries are not taken from Gaussian."""
        del structure, workdir
        self._refuse("a relaxation")

    def vibrations(self, structure: AtomicStructure, workdir: Path) -> VibrationResult:
        """Refuse."""
        del structure, workdir
        self._refuse("vibrations")

    def surface_potential(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> SurfacePotential:
        """Refuse."""
        del structure, workdir, guess
        self._refuse("a surface potential")

    def density_cube(
        self, structure: AtomicStructure, workdir: Path, path: Path, guess: Path | None = None
    ) -> None:
        """Refuse."""
        del structure, workdir, path, guess
        self._refuse("a density")

    def _refuse(self, what: str) -> NoReturn:
        raise ScientificFailureError(f"{what} is not read from Gaussian's outputs")


def read_single_point(path: Path, structure: AtomicStructure, level: Level) -> ElectronicResult:
    """Read a single point and check that it is what was asked for.

    Parameters
    ----------
    path
        A log file.
    structure
        What must be in it: the same atoms in the same places, charge and multiplicity.
    level
        Method, basis and continuum that it must be of.

    Raises
    ------
    ScientificFailureError
        If it did not end normally, or is of something else.
    """
    from pymatgen.electronic_structure.core import Spin
    from pymatgen.io.gaussian import GaussianOutput

    text = path.read_text(errors="replace")
    try:
        output: Any = GaussianOutput(str(path))
    except Exception as error:  # whatever a file that is none makes of the reader
        raise ScientificFailureError(f"{path.name} cannot be read as Gaussian's output") from error
    if not output.properly_terminated:
        raise ScientificFailureError(f"{path.name} did not end normally")
    _check(path.name, output, text, structure, level)
    found = _SCF.findall(text)
    if not found or not output.eigenvalues:
        raise ScientificFailureError(f"{path.name} has no converged SCF with its orbitals")
    alpha, beta = _electrons(structure)
    up, down = output.eigenvalues[Spin.up], output.eigenvalues.get(Spin.down)
    charges, spins = _populations(text, len(structure.symbols))
    s2 = _S2.findall(text)
    return ElectronicResult(
        energy_ev=float(found[-1][1]) * HARTREE_EV,
        alpha=_frontier(up, alpha),
        beta=None if down is None else _frontier(down, beta),
        spin_populations=spins if down is not None else None,
        charges=charges,
        s_squared=float(s2[-1]) if s2 and down is not None else 0.0,
        warnings=["charges and spins are Mulliken's, as Gaussian prints them"],
    )


def _electrons(structure: AtomicStructure) -> tuple[int, int]:
    n, unpaired = structure.n_electrons, structure.multiplicity - 1
    return (n + unpaired) // 2, (n - unpaired) // 2


def _frontier(levels: list[float], occupied: int) -> FrontierOrbitals:
    homo = levels[occupied - 1] * HARTREE_EV if occupied else None
    lumo = levels[occupied] * HARTREE_EV if occupied < len(levels) else None
    return FrontierOrbitals(homo_ev=homo, lumo_ev=lumo)


def _populations(text: str, n: int) -> tuple[Any, Any]:
    """Return the last Mulliken charges and spin populations; zeros where there are none."""
    starts = list(_MULLIKEN.finditer(text))
    if not starts:
        raise ScientificFailureError("the output has no Mulliken charges")
    rows = [line.split() for line in text[starts[-1].end() :].splitlines()[:n]]
    charges = np.array([float(row[2]) for row in rows])
    spins = np.array([float(row[3]) if len(row) > 3 else 0.0 for row in rows])  # noqa: PLR2004
    return charges, spins


def _check(name: str, output: Any, text: str, structure: AtomicStructure, level: Level) -> None:
    """Refuse an output that is of other atoms, another state, or another level."""
    from mgscreen.engines.gaussian_inputs import route

    given = (output.charge, output.spin_multiplicity)
    if given != (structure.charge, structure.multiplicity):
        raise ScientificFailureError(
            f"{name} has charge {given[0]} and multiplicity {given[1]}, expected "
            f"{structure.charge} and {structure.multiplicity}"
        )
    molecule = output.final_structure
    if tuple(str(s.specie) for s in molecule) != structure.symbols:
        raise ScientificFailureError(f"{name} is of other atoms ({molecule.composition.formula})")
    far = float(np.abs(molecule.cart_coords - np.array(structure.positions)).max())
    if far > _FAR_A:
        raise ScientificFailureError(
            f"{name} has an atom {far:.3f} angstrom from its place: was it run with NoSymm?"
        )
    wanted = route(level, "static", structure.multiplicity).split()[1].lower()
    method, _, basis = wanted.partition("/")
    functional = _SCF.findall(text)
    ran = functional[-1][0].lower() if functional else ""
    if ran.removeprefix("r").removeprefix("u").removeprefix("o").replace("-", "") != method.lstrip(
        "u"
    ).replace("-", ""):
        raise ScientificFailureError(f"{name} is of {ran}, expected {method}")
    if str(output.basis_set).lower() != basis:
        raise ScientificFailureError(f"{name} has the basis {output.basis_set}, expected {basis}")
    found = _EPS.search(text) if output.is_pcm else None
    eps = float(found.group(1)) if found is not None else None
    if (level.dielectric if level.solvent else None) != eps:
        asked = f"{level.dielectric:g}" if level.solvent else "no continuum"
        raise ScientificFailureError(f"{name}: expected {asked}, got {eps or 'no continuum'}")
