"""Input files of VASP for crystals, slabs and paths, at the level of the dual-additive slabs.

PBE, PAW, plane waves to 450 eV, D3 with Becke-Johnson damping (IVDW = 12) where the level says so,
a 3 x 3 x 1 mesh for slabs, conjugate gradients (IBRION = 2). The PAW potentials are VASP's and
licensed: ``POTCAR.spec`` names them, one to a line, and ``cat`` of a user's own files makes POTCAR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

Task = Literal["static", "relax", "relax-cell", "neb"]
POTENTIALS = {"Ga": "Ga_d", "Mo": "Mo_pv", "Ti": "Ti_pv", "V": "V_pv", "Li": "Li_sv", "Ca": "Ca_sv"}
"""Where the recommended PAW set is not the plain one; for Mg the plain one has 2 electrons."""
_CUTOFF_EV = 450.0
_CUTOFF_CELL_EV = 520.0
"""A cell that changes needs more: the basis set is that of the first volume."""
_DENSITY_A = 5.0
_FMAX = 0.03


def vasp_level(level: Level) -> Level:
    """Return the level under which VASP's results are kept.

    Raises
    ------
    InputError
        If it is none that these inputs are of (PBE, with or without D3(BJ)).
    """
    if level.engine not in {"gpaw", "vasp"} or level.method != "pbe":
        raise InputError(f"'{level}': VASP inputs are written for pbe and pbe-d3bj")
    return level.model_copy(update={"engine": "vasp", "settings": {}})


def kpoints(structure: AtomicStructure, level: Level) -> tuple[int, int, int]:
    """Return the mesh: the level's own, 3 x 3 x 1 for a slab, or by density."""
    given = level.settings.get("kpts")
    if given is not None:
        return (int(given[0]), int(given[1]), int(given[2]))
    if structure.cell is None or not any(structure.pbc):
        return (1, 1, 1)
    import numpy as np

    lengths = np.linalg.norm(np.array(structure.cell), axis=1)
    if not structure.pbc[2]:
        return (3, 3, 1)
    density = float(level.settings.get("kpt_density_a", _DENSITY_A))
    a, b, c = (max(1, int(np.ceil(2 * np.pi / x * density))) for x in lengths)
    return (a, b, c)


def incar(structure: AtomicStructure, level: Level, task: Task, images: int = 0) -> dict[str, Any]:
    """Return the tags.

    Raises
    ------
    InputError
        If these inputs are not written for the level.
    """
    vasp_level(level)
    alone = not any(structure.pbc)
    slab = not alone and not structure.pbc[2]
    # of a slab the metal's; Gaussian smearing serves metals and insulators, and has no negative
    # occupations for a molecule
    metal = slab or (task == "neb" and not structure.pbc[2])
    tags: dict[str, Any] = {
        "SYSTEM": (structure.label or structure.formula).encode("ascii", "replace").decode(),
        "GGA": "PE",
        "PREC": "Accurate",
        "ENCUT": float(
            level.settings.get("cutoff_ev", _CUTOFF_CELL_EV if task == "relax-cell" else _CUTOFF_EV)
        ),
        "EDIFF": 1e-5 if task != "relax-cell" else 1e-6,
        "NELM": 200,
        "LASPH": True,
        "LREAL": False,
        "ISMEAR": 1 if metal else 0,
        "SIGMA": float(level.settings.get("smearing_ev", 0.1 if metal else 0.05)),
        "LWAVE": False,
        "LCHARG": False,
    }
    if level.dispersion == "d3bj":
        tags["IVDW"] = 12
    if structure.multiplicity > 1:
        tags |= {"ISPIN": 2, "NUPDOWN": structure.multiplicity - 1, "MAGMOM": magmom(structure)}
    if slab:
        # the field between the two sides of a slab
        tags |= {"LDIPOL": True, "IDIPOL": 3}
    if task in {"relax", "relax-cell"}:
        tags |= {"IBRION": 2, "NSW": 200, "EDIFFG": -float(level.settings.get("fmax", _FMAX))}
        tags["ISIF"] = 3 if task == "relax-cell" else 2
    elif task == "neb":
        # of the transition state tools: climbing image, forces only
        tags |= {"IBRION": 3, "POTIM": 0, "IOPT": 1, "ICHAIN": 0, "LCLIMB": True, "SPRING": -5}
        tags |= {"NSW": 200, "EDIFFG": -0.05, "IMAGES": images, "ISIF": 2}
    else:
        tags |= {"IBRION": -1, "NSW": 0}
    return tags


def magmom(structure: AtomicStructure) -> str:
    """Return first moments of the atoms: the unpaired electrons, evenly; a start, no constraint."""
    n = len(structure.symbols)
    return f"{n}*{(structure.multiplicity - 1) / n:.4f}"


def write_vasp_inputs(
    structure: AtomicStructure,
    level: Level,
    folder: Path,
    *,
    fixed: Sequence[int] = (),
    task: Task = "static",
) -> list[Path]:
    """Write INCAR, KPOINTS, POSCAR and POTCAR.spec.

    Parameters
    ----------
    structure
        With a cell; atoms are grouped by element in POSCAR, and ``order.txt`` says how.
    level
        ``gpaw:pbe``, ``gpaw:pbe-d3bj`` or the same of ``vasp``.
    folder
        Where to; made if it is missing.
    fixed
        Atoms that do not move.
    task
        Single point, relaxation of the atoms, or of atoms and cell.

    Raises
    ------
    InputError
        If the structure has no cell or is charged, or the level is none of these.
    """
    if structure.cell is None:
        raise InputError(f"{structure.label or structure.formula} has no cell")
    if structure.charge:
        raise InputError(
            f"{structure.label or structure.formula} is charged: VASP needs NELECT, which depends "
            "on the potentials"
        )
    folder.mkdir(parents=True, exist_ok=True)
    order = _order(structure)
    written = [
        _incar(folder / "INCAR", incar(structure, level, task)),
        _kpoints(folder / "KPOINTS", kpoints(structure, level)),
        _poscar(folder / "POSCAR", structure, order, fixed),
        _potcar(folder / "POTCAR.spec", structure, order),
    ]
    path = folder / "order.txt"
    path.write_text(" ".join(str(n) for n in order) + "\n", encoding="ascii")
    return [*written, path]


def write_vasp_neb(
    images: Sequence[AtomicStructure],
    level: Level,
    folder: Path,
    *,
    fixed: Sequence[int] = (),
) -> list[Path]:
    """Write a nudged elastic band: INCAR, KPOINTS, POTCAR.spec and one folder for each image.

    Parameters
    ----------
    images
        Both relaxed ends and what lies between them, in order.
    level, folder, fixed
        As for ``write_vasp_inputs``.

    Raises
    ------
    InputError
        If there are fewer than three images, or they are not of the same atoms.
    """
    least = 3
    if len(images) < least:
        raise InputError(f"a path needs at least {least} images, got {len(images)}")
    if len({image.symbols for image in images}) > 1:
        raise InputError("the images of a path are not of the same atoms")
    folder.mkdir(parents=True, exist_ok=True)
    order = _order(images[0])
    written = [
        _incar(folder / "INCAR", incar(images[0], level, "neb", len(images) - 2)),
        _kpoints(folder / "KPOINTS", kpoints(images[0], level)),
        _potcar(folder / "POTCAR.spec", images[0], order),
    ]
    for n, image in enumerate(images):
        place = folder / f"{n:02d}"
        place.mkdir(exist_ok=True)
        written.append(_poscar(place / "POSCAR", image, order, fixed))
    return written


def _order(structure: AtomicStructure) -> list[int]:
    """Return the atoms grouped by element, elements in the order of their first atom."""
    first = {s: structure.symbols.index(s) for s in structure.symbols}
    return sorted(range(len(structure.symbols)), key=lambda n: (first[structure.symbols[n]], n))


def _elements(structure: AtomicStructure, order: Sequence[int]) -> list[str]:
    return list(dict.fromkeys(structure.symbols[n] for n in order))


def _incar(path: Path, tags: dict[str, Any]) -> Path:
    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return ".TRUE." if value else ".FALSE."
        return f"{value:g}" if isinstance(value, float) else str(value)

    path.write_text("".join(f"{k} = {shown(v)}\n" for k, v in tags.items()), encoding="ascii")
    return path


def _kpoints(path: Path, mesh: tuple[int, int, int]) -> Path:
    path.write_text(f"mgscreen\n0\nGamma\n{mesh[0]} {mesh[1]} {mesh[2]}\n0 0 0\n", encoding="ascii")
    return path


def _poscar(
    path: Path, structure: AtomicStructure, order: Sequence[int], fixed: Sequence[int]
) -> Path:
    elements = _elements(structure, order)
    lines = [structure.formula, "1.0"]
    lines += [" ".join(f"{x:18.10f}" for x in row) for row in structure.cell or ()]
    lines += [
        " ".join(elements),
        " ".join(str(structure.symbols.count(e)) for e in elements),
        *(["Selective dynamics"] if fixed else []),
        "Cartesian",
    ]
    held = set(fixed)
    for n in order:
        row = " ".join(f"{x:18.10f}" for x in structure.positions[n])
        lines.append(row + (("  F F F" if n in held else "  T T T") if held else ""))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _potcar(path: Path, structure: AtomicStructure, order: Sequence[int]) -> Path:
    names = [POTENTIALS.get(e, e) for e in _elements(structure, order)]
    path.write_text("".join(f"PAW_PBE {name}\n" for name in names), encoding="ascii")
    return path
