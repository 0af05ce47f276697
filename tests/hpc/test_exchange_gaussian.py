"""Inputs for Gaussian, and its outputs back as results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line_for_tests import mgscreen

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.gaussian_inputs import gaussian_input, route
from mgscreen.engines.gaussian_outputs import read_single_point
from mgscreen.engines.level import Level
from mgscreen.engines.units import HARTREE_EV

B3LYP = Level.parse("pyscf:b3lyp/6-31g(d)")
WET = Level.parse("pyscf:b3lyp/6-31g(d)/cpcm(7.2)")

WATER = AtomicStructure(
    symbols=("O", "H", "H"),
    positions=((0.0, 0.0, 0.119), (0.0, 0.763, -0.477), (0.0, -0.763, -0.477)),
    label="water",
)


def gaussian_log(structure, level, *, shift=0.0, end=True):
    """Return PySCF's numbers in the layout of Gaussian's log file, as far as it is read."""
    from mgscreen.engines.base import get_engine

    mf = get_engine(level)
    with pytest.MonkeyPatch.context():
        import tempfile

        with tempfile.TemporaryDirectory() as work:
            result = mf.single_point(structure, Path(work))
    orbitals = _levels(structure, level)
    method = ("U" if structure.multiplicity > 1 else "R") + level.method.upper()
    lines = [
        " Entering Link 1 = /g16/l1.exe PID=  100.",
        " ******************************************",
        " Gaussian 16:  ES64L-G16RevC.01  3-Jul-2019",
        " ******************************************",
        " %NProcShared=4",
        " ----------------------------------------------------------------------",
        f" {route(level, 'static', structure.multiplicity)}",
        " ----------------------------------------------------------------------",
        " 1/38=1/1;",
        " (Enter /g16/l101.exe)",
        " -----",
        " water",
        " -----",
        " Symbolic Z-matrix:",
        f" Charge = {structure.charge:2d} Multiplicity = {structure.multiplicity}",
        "",
        "                          Input orientation:",
        " ---------------------------------------------------------------------",
        " Center     Atomic      Atomic             Coordinates (Angstroms)",
        " Number     Number       Type             X           Y           Z",
        " ---------------------------------------------------------------------",
    ]
    from ase.data import atomic_numbers

    for n, (s, (x, y, z)) in enumerate(zip(structure.symbols, structure.positions, strict=True), 1):
        lines.append(f"{n:7d}{atomic_numbers[s]:11d}{0:12d}    {x + shift:12.6f}{y:12.6f}{z:12.6f}")
    lines += [
        " ---------------------------------------------------------------------",
        "    19 basis functions,    36 primitive gaussians,    19 cartesian basis functions",
    ]
    if level.solvent:
        lines += [
            " Polarizable Continuum Model (PCM)",
            " =================================",
            " Model                : C-PCM.",
            f" Solvent              : Generic, Eps=  {level.dielectric:11.6f}",
        ]
    lines += [
        f" SCF Done:  E({method}) =  {result.energy_ev / HARTREE_EV:.9f}     A.U. after   9 cycles",
        f" <Sx>= 0.0000 <Sy>= 0.0000 <Sz>= 0.0000 <S**2>= {result.s_squared:.4f} S= 0.0000",
        "",
        "            Population analysis using the SCF density.",
        "",
    ]
    for spin, (levels, occupied) in orbitals.items():
        for word, part in ((" occ.", levels[:occupied]), ("virt.", levels[occupied:])):
            for start in range(0, len(part), 5):
                numbers = "".join(f"{x:10.5f}" for x in part[start : start + 5])
                lines.append(f" {spin:>5s} {word} eigenvalues -- {numbers}")
    spins = result.spin_populations
    lines += [
        " Mulliken charges:" if spins is None else " Mulliken charges and spin densities:",
        "               1" if spins is None else "               1          2",
    ]
    for n, (s, q) in enumerate(zip(structure.symbols, result.charges, strict=True)):
        extra = "" if spins is None else f"{spins[n]:11.6f}"
        lines.append(f"{n + 1:6d}  {s:<2s}{q:11.6f}{extra}")
    lines.append(f" Sum of Mulliken charges = {structure.charge:10.5f}")
    lines.append(" Normal termination of Gaussian 16 at Fri Nov 20 12:00:00 2026." if end else "")
    return "\n".join(lines) + "\n", result


def _levels(structure, level):
    """Return all orbital energies of each spin, hartree, from PySCF itself."""
    from pyscf import dft, gto

    mol = gto.M(
        atom=[*zip(structure.symbols, structure.positions, strict=True)],
        charge=structure.charge,
        spin=structure.multiplicity - 1,
        basis="6-31g(d)",
        cart=True,
        verbose=0,
    )
    mf = (dft.RKS if structure.multiplicity == 1 else dft.UKS)(mol, xc="b3lyp").density_fit()
    if level.solvent:
        mf = mf.PCM()
        mf.with_solvent.method = "C-PCM"
        mf.with_solvent.eps = level.dielectric
    mf.kernel()
    energies = np.atleast_2d(mf.mo_energy)
    return {
        name: (list(energies[i]), mol.nelec[i])
        for i, name in enumerate(("Alpha", "Beta")[: len(energies)])
    }


# Gaussian


def test_gaussian_input_is_read_back_by_pymatgen():
    from pymatgen.io.gaussian import GaussianInput

    text = gaussian_input(WATER, WET, title="water; DROP\n\n1 1")
    found = GaussianInput.from_str(text)
    assert (found.charge, found.spin_multiplicity) == (0, 1)
    assert found.functional.lower() == "b3lyp"
    assert found.basis_set.lower() == "6-31g(d)"
    assert np.allclose(found.molecule.cart_coords, WATER.positions)
    assert text.rstrip().endswith("eps=7.2")
    assert "6D 10F" in text
    assert "NoSymm" in text
    assert text.count("\n\n") == 4, "title and molecule end where they should"


def test_gaussian_refuses_what_it_does_not_have():
    with pytest.raises(InputError, match="no Gaussian name of 'wb97x'"):
        route(Level.parse("pyscf:wb97x-d3bj/def2-svp"), "static")
    with pytest.raises(InputError, match="def2-svpd"):
        route(Level.parse("pyscf:b3lyp/def2-svpd"), "static")
    with pytest.raises(InputError, match="no d4"):
        route(Level.parse("pyscf:b3lyp-d4/6-31g(d)"), "static")
    assert "UB3LYP/def2tzvp 5D 7F EmpiricalDispersion=GD3BJ" in route(
        Level.parse("pyscf:b3lyp-d3bj/def2-tzvp"), "static", 2
    )


@pytest.mark.parametrize(("charge", "level"), [(0, B3LYP), (1, WET)])
def test_gaussian_output_gives_the_numbers_in_it(tmp_path, charge, level):
    structure = WATER.with_state(charge, WATER.lowest_multiplicity(charge))
    text, wanted = gaussian_log(structure, level)
    (tmp_path / "a.log").write_text(text)
    found = read_single_point(tmp_path / "a.log", structure, level)
    assert found.energy_ev == pytest.approx(wanted.energy_ev, abs=1e-6)
    # the log has five decimals of a hartree
    assert found.alpha.homo_ev == pytest.approx(wanted.alpha.homo_ev, abs=5e-3)
    assert found.alpha.lumo_ev == pytest.approx(wanted.alpha.lumo_ev, abs=5e-3)
    assert found.charges == pytest.approx(wanted.charges, abs=1e-5)
    if charge:
        assert found.beta.lumo_ev == pytest.approx(wanted.beta.lumo_ev, abs=5e-3)
        assert found.spin_populations == pytest.approx(wanted.spin_populations, abs=1e-5)
        assert found.s_squared == pytest.approx(wanted.s_squared, abs=1e-4)
    else:
        assert found.beta is None


def test_gaussian_outputs_of_something_else_are_refused(tmp_path):
    text, _ = gaussian_log(WATER, B3LYP)
    path = tmp_path / "a.log"

    def refused(match, structure=WATER, level=B3LYP, content=text):
        path.write_text(content)
        with pytest.raises(ScientificFailureError, match=match):
            read_single_point(path, structure, level)

    refused("did not end normally", content=text.replace("Normal termination", "Error termination"))
    refused("charge 0 and multiplicity 1", structure=WATER.with_state(0, 3))
    refused(
        "angstrom from its place", structure=WATER.with_positions(np.array(WATER.positions) + 1)
    )
    refused("basis", level=Level.parse("pyscf:b3lyp/6-31+g(d)"))
    refused("is of rb3lyp", level=Level.parse("pyscf:pbe0/6-31g(d)"))
    refused("expected 7.2, got no continuum", level=WET)
    refused("cannot be read|did not end", content="nonsense\n")
    other = AtomicStructure(symbols=("S", "H", "H"), positions=WATER.positions)
    refused("other atoms", structure=other)


CAMPAIGN = """
name = "exchange"
[candidates]
inline = [{ name = "water", smiles = "O" }]
[molecules]
properties = ["orbitals", "redox-vertical"]
[host]
solvent = "DME"
salts = []
"""


@pytest.mark.slow
def test_a_campaign_of_which_gaussian_does_the_dft(tmp_path):
    """Geometry by mgscreen, the rest from log files: the same table as when PySCF computes it."""
    (tmp_path / "c.toml").write_text(CAMPAIGN)
    mgscreen("run", "c.toml", "--no-report", "-q", cwd=tmp_path)
    mine = values(tmp_path / "results/exchange/mgscreen.db")
    export = ("export", "inputs", "c.toml", "--code", "gaussian", "--to", "g")
    assert "0 of 0" in mgscreen(*export, cwd=tmp_path).stdout
    told = mgscreen(*export, "--all", cwd=tmp_path).stdout
    manifest = json.loads((tmp_path / "g/manifest.json").read_text())
    assert f"{len(manifest['jobs'])} of" in told
    assert "no output yet" in mgscreen("import", "g", cwd=tmp_path).stdout
    for name in manifest["jobs"]:
        for path in (tmp_path / "g" / name).glob("*.gjf"):
            structure, level = read_input(path)
            path.with_suffix(".log").write_text(gaussian_log(structure, level)[0])
    told = mgscreen("import", "g", cwd=tmp_path).stdout
    assert f"{len(manifest['jobs'])} of {len(manifest['jobs'])} steps read" in told
    found = values(tmp_path / "results/exchange/mgscreen.db", engine="gaussian")
    assert found, "rows under Gaussian's name"
    for key, value in found.items():
        assert value == pytest.approx(mine[key], abs=0.01), key


def read_input(path):
    from pymatgen.io.gaussian import GaussianInput

    text = path.read_text()
    given = GaussianInput.from_str(text)
    structure = AtomicStructure(
        symbols=tuple(str(s.specie) for s in given.molecule),
        positions=tuple(map(tuple, given.molecule.cart_coords.tolist())),
        charge=int(given.charge),
        multiplicity=int(given.spin_multiplicity),
    )
    return structure, WET if "SCRF" in text else B3LYP


def values(path, engine="pyscf"):
    from mgscreen.database.database import Database

    with Database(path, read_only=True) as db:
        frame = db.frame_properties()
    rows = frame[
        frame["method"].str.startswith(engine) & frame["value"].notna() & (frame["unit"] != "1")
    ]
    names = {"homo", "lumo", "gap", "total_energy"}
    return {
        (row.candidate, row.form, row.property): row.value
        for row in rows.itertuples()
        if row.property in names
    }
