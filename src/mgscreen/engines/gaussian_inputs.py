"""Input files of Gaussian for the levels of the presets.

What makes the numbers those of ``pyscf``'s levels: B3LYP with VWN_RPA (VWN III) is Gaussian's own
B3LYP; Pople bases take six Cartesian d functions (``6D 10F``), the def2 bases pure ones
(``5D 7F``); the continuum is C-PCM with a stated dielectric constant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

Task = Literal["static", "relax", "frequencies"]
_METHODS = {"b3lyp": "B3LYP", "pbe": "PBEPBE", "pbe0": "PBE1PBE", "m06-2x": "M062X", "hf": "HF"}
_BASES = {"def2-svp": "def2SVP", "def2-tzvp": "def2TZVP", "def2-qzvp": "def2QZVP"}
_POPLE = re.compile(r"(3-21|6-31|6-311)(\+{0,2})g(\*{0,2}|\([0-9a-z,]+\))")
_DISPERSION = {"": "", "d3bj": "EmpiricalDispersion=GD3BJ"}


def gaussian_level(level: Level) -> Level:
    """Return the level under which Gaussian's results are kept: the same method, another program.

    Raises
    ------
    InputError
        If Gaussian has no such method, basis or dispersion correction.
    """
    route(level, "static")
    return level.model_copy(update={"engine": "gaussian", "settings": {}})


def route(level: Level, task: Task, multiplicity: int = 1) -> str:
    """Return the route section.

    Parameters
    ----------
    level
        A level for molecules.
    task
        Single point, optimisation, or vibrations.
    multiplicity
        2S+1: above one the orbitals are unrestricted.

    Raises
    ------
    InputError
        If Gaussian has no such method, basis or dispersion correction.
    """
    if level.engine not in {"pyscf", "gaussian"}:
        raise InputError(f"'{level}' is no level that Gaussian has")
    method = _METHODS.get(level.method)
    if method is None:
        known = ", ".join(_METHODS)
        raise InputError(f"'{level}': no Gaussian name of '{level.method}' is known ({known})")
    if level.dispersion not in _DISPERSION:
        raise InputError(f"'{level}': Gaussian has no {level.dispersion}")
    if _POPLE.fullmatch(level.basis):
        basis, shells = level.basis.upper().replace("G(D", "G(d"), "6D 10F"
    elif level.basis in _BASES:
        basis, shells = _BASES[level.basis], "5D 7F"
    else:
        raise InputError(f"'{level}': no Gaussian name of '{level.basis}' is known")
    words = [f"#P {'U' if multiplicity > 1 else ''}{method}/{basis.lower()}", shells]
    words += [_DISPERSION[level.dispersion]] * bool(level.dispersion)
    words += {"static": ["SP"], "relax": ["Opt"], "frequencies": ["Freq"]}[task]
    # the frame of the input is kept, so that an output can be told to belong to it
    words += ["NoSymm", "SCF=(XQC,Tight)", "Int=UltraFine"]
    if level.solvent:
        words.append("SCRF=(CPCM,Solvent=Generic,Read)")
    return " ".join(words)


def gaussian_input(
    structure: AtomicStructure,
    level: Level,
    task: Task = "static",
    *,
    title: str = "",
    cores: int = 4,
    memory_gb: int = 8,
) -> str:
    """Return the text of an input file.

    Parameters
    ----------
    structure
        A molecule; charge and multiplicity are in it.
    level
        A level for molecules whose names Gaussian shares.
    task
        Single point, optimisation, or vibrations.
    title
        One line; what could end the section is left out.
    cores, memory_gb
        Resources.

    Raises
    ------
    InputError
        If the structure is periodic, or Gaussian has no such level.
    """
    if any(structure.pbc):
        raise InputError(f"{structure.label or structure.formula} is periodic")
    words = " ".join(re.sub(r"[^ -~]", " ", title).split())[:70]
    rows = [
        f" {s:<2s} {x:16.8f} {y:16.8f} {z:16.8f}"
        for s, (x, y, z) in zip(structure.symbols, structure.positions, strict=True)
    ]
    lines = [
        f"%NProcShared={cores}",
        f"%Mem={memory_gb}GB",
        route(level, task, structure.multiplicity),
        "",
        words or structure.formula,
        "",
        f"{structure.charge} {structure.multiplicity}",
        *rows,
        "",
    ]
    if level.solvent:
        lines += [f"eps={level.dielectric:g}", ""]
    return "\n".join([*lines, ""])
