"""A vasprun.xml such as VASP leaves, of numbers that a test gives: only what is read from one."""

from __future__ import annotations

import numpy as np
from pymatgen.io.vasp.inputs import Incar, Poscar

HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n'
GENERATOR = (
    '<generator><i name="program" type="string">vasp</i><i name="version" type="string">6.4.2</i>'
    "</generator>\n"
)
KPOINTS = (
    '<kpoints><generation param="Gamma"><v type="int" name="divisions">1 1 1</v>'
    '<v name="usershift">0 0 0</v></generation><varray name="kpointlist"><v>0 0 0</v></varray>'
    '<varray name="weights"><v>1.0</v></varray></kpoints>\n'
)


def rows(name, values):
    lines = "".join(f"<v>{' '.join(f'{x:.10f}' for x in row)}</v>" for row in values)
    return f'<varray name="{name}">{lines}</varray>'


def tag(key, value):
    if isinstance(value, bool):
        return f'<i type="logical" name="{key}">{"T" if value else "F"}</i>'
    if isinstance(value, int):
        return f'<i type="int" name="{key}">{value}</i>'
    if isinstance(value, float):
        return f'<i name="{key}">{value}</i>'
    return f'<i type="string" name="{key}">{value}</i>'


def atoms_of(structure):
    symbols = [site.specie.symbol for site in structure]
    kinds = list(dict.fromkeys(symbols))
    each = "".join(f"<rc><c>{s}</c><c>{kinds.index(s) + 1}</c></rc>" for s in symbols)
    types = "".join(
        f"<rc><c>{symbols.count(k)}</c><c>{k}</c><c>24.3</c><c>2.0</c><c>PAW_PBE {k} 01Jan2000</c>"
        "</rc>"
        for k in kinds
    )
    return (
        f"<atominfo><atoms>{len(symbols)}</atoms><types>{len(kinds)}</types>"
        f'<array name="atoms"><set>{each}</set></array>'
        f'<array name="atomtypes"><set>{types}</set></array></atominfo>\n'
    )


def place(structure, name=""):
    label = f' name="{name}"' if name else ""
    return (
        f"<structure{label}><crystal>{rows('basis', structure.lattice.matrix)}"
        f'<i name="volume">{structure.volume:.6f}</i>'
        f"{rows('rec_basis', structure.lattice.inv_matrix.T)}</crystal>"
        f"{rows('positions', structure.frac_coords)}</structure>\n"
    )


def write_vasprun(folder, energy, *, moved=None, forces=None, steps=1):
    """Write ``folder/vasprun.xml`` as the end of what the inputs in it ask for."""
    incar = Incar.from_file(folder / "INCAR")
    start = Poscar.from_file(folder / "POSCAR", check_for_potcar=False).structure
    tags = {k: v for k, v in incar.items() if isinstance(v, bool | int | float | str)}
    end = start.copy()
    if moved is not None:
        end.translate_sites(range(len(end)), np.zeros(3))
        for n, shift in enumerate(moved):
            end.translate_sites([n], shift, frac_coords=False, to_unit_cell=False)
    force = np.zeros((len(start), 3)) if forces is None else np.asarray(forces)
    text = HEAD + GENERATOR
    text += f"<incar>{''.join(tag(k, v) for k, v in tags.items())}</incar>\n{KPOINTS}"
    shown = {"NELM": 200, "NSW": 0, "ISIF": 2, "IBRION": -1, "EDIFFG": -0.03, "NELMIN": 2}
    shown |= {k: v for k, v in tags.items() if k in shown} | {"GGA": "PE", "LHFCALC": False}
    text += f"<parameters>{''.join(tag(k, v) for k, v in shown.items())}</parameters>\n"
    text += atoms_of(start) + place(start, "initialpos")
    for n in range(steps):
        here = start if n < steps - 1 else end
        values = "".join(
            f'<i name="{name}">{energy + 0.1 * (steps - 1 - n):.8f}</i>'
            for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy")
        )
        text += (
            f"<calculation><scstep><energy>{values}</energy></scstep>{place(here)}"
            f"{rows('forces', force)}{rows('stress', np.zeros((3, 3)))}<energy>{values}</energy>"
            "</calculation>\n"
        )
    text += place(end, "finalpos") + "</modeling>\n"
    (folder / "vasprun.xml").write_text(text)
