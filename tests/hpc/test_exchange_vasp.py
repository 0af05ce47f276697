"""Inputs for VASP, and its outputs back as results."""

from __future__ import annotations

from pathlib import Path

import ase
import numpy as np
import pytest

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.imported import keep
from mgscreen.engines.level import Level
from mgscreen.engines.vasp_inputs import write_vasp_inputs, write_vasp_neb
from mgscreen.engines.vasp_outputs import VaspOutputs, read_vasprun

# real outputs of VASP, which ASE brings with its own tests: of PBE, and of LDA
VASPRUN = Path(ase.__file__).parent / "test" / "testdata" / "vasp" / "vasprun_dfpt.xml"
LDA = VASPRUN.with_name("vasprun_pstress.xml")


def slab():
    from ase.build import hcp0001

    atoms = hcp0001("Mg", (2, 2, 3), a=3.2, c=5.2, vacuum=8.0)
    atoms.pbc = (True, True, False)
    return AtomicStructure.from_ase(atoms, label="Mg(0001)")


def test_vasp_inputs_are_read_back_by_pymatgen(tmp_path):
    from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

    from mgscreen.core.structure import Fragment

    base = slab()
    top = (*base.positions[-1][:2], base.positions[-1][2] + 1.6)
    structure = AtomicStructure(
        symbols=("F", *base.symbols),
        positions=(top, *base.positions),
        cell=base.cell,
        pbc=base.pbc,
        fragments=(Fragment(name="F", role="adsorbate", atoms=(0,)),),
    )
    write_vasp_inputs(
        structure, Level.parse("gpaw:pbe-d3bj"), tmp_path, fixed=(1, 2, 3, 4), task="relax"
    )
    incar = Incar.from_file(tmp_path / "INCAR")
    assert (incar["ENCUT"], incar["IVDW"], incar["IBRION"], incar["ISIF"]) == (450, 12, 2, 2)
    assert (incar["LDIPOL"], incar["IDIPOL"]) == (True, 3)
    assert Kpoints.from_file(tmp_path / "KPOINTS").kpts[0] == (3, 3, 1)
    poscar = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False)
    assert np.allclose(poscar.structure.lattice.matrix, base.cell)
    assert [str(s.specie) for s in poscar.structure] == ["F", *base.symbols]
    held = [n for n, free in enumerate(poscar.selective_dynamics) if not any(free)]
    assert held == [1, 2, 3, 4]
    assert (tmp_path / "POTCAR.spec").read_text() == "PAW_PBE F\nPAW_PBE Mg\n"
    assert not (tmp_path / "POTCAR").exists()


def test_vasp_path(tmp_path):
    first = slab()
    images = [first.with_positions(np.array(first.positions) + 0.1 * n) for n in range(5)]
    write_vasp_neb(images, Level.parse("gpaw:pbe"), tmp_path)
    assert "IMAGES = 3" in (tmp_path / "INCAR").read_text()
    assert sorted(p.name for p in tmp_path.glob("0*")) == ["00", "01", "02", "03", "04"]
    with pytest.raises(InputError, match="at least 3 images"):
        write_vasp_neb(images[:2], Level.parse("gpaw:pbe"), tmp_path)


def test_vasp_refuses(tmp_path):
    atom = AtomicStructure(symbols=("He",), positions=((0, 0, 0),))
    with pytest.raises(InputError, match="no cell"):
        write_vasp_inputs(atom, Level.parse("gpaw:pbe"), tmp_path)
    charged = AtomicStructure.model_validate({**slab().model_dump(), "charge": 1})
    with pytest.raises(InputError, match="NELECT"):
        write_vasp_inputs(charged, Level.parse("gpaw:pbe"), tmp_path)
    with pytest.raises(InputError, match="pbe and pbe-d3bj"):
        write_vasp_inputs(slab(), Level.parse("mlip:chgnet"), tmp_path)


def real_run(path=VASPRUN):
    """Return what a real vasprun.xml is of."""
    from pymatgen.io.ase import AseAtomsAdaptor

    run = read_vasprun(path)
    atoms = AseAtomsAdaptor.get_atoms(run.initial_structure)
    return run, AtomicStructure.from_ase(atoms)


def test_a_real_vasp_output_becomes_a_relaxation(tmp_path):
    run, structure = real_run()
    sha = keep(VASPRUN, tmp_path)
    cell = "full" if int(run.incar.get("ISIF", 2)) == 3 else "fixed"
    with use_runtime(Runtime(files=tmp_path, scratch=tmp_path)):
        engine = VaspOutputs(Level.parse("vasp:pbe", {"output": sha}))
        end = engine.relax(structure, tmp_path, cell=cell)
        assert engine.code_version[0].isdigit()
        assert engine.settings()["incar"]["ENCUT"] == run.incar["ENCUT"]
    # against ASE's own reader of the same file
    from ase.io import read

    theirs = read(VASPRUN, index=-1)
    assert end.energy_ev == pytest.approx(theirs.get_potential_energy(), abs=1e-6)
    assert end.max_force_ev_per_a == pytest.approx(
        np.linalg.norm(theirs.get_forces(), axis=1).max(), abs=1e-6
    )
    assert np.allclose(end.structure.cell, theirs.cell[:], atol=1e-6)
    assert end.steps == len(read(VASPRUN, index=":"))
    assert end.energy_convention == "pbe"


def test_vasp_outputs_of_something_else_are_refused(tmp_path):
    _, structure = real_run()
    sha = keep(VASPRUN, tmp_path)
    cell = "fixed"
    lda = keep(LDA, tmp_path)
    with use_runtime(Runtime(files=tmp_path, scratch=tmp_path)):
        _, other = real_run(LDA)
        with pytest.raises(ScientificFailureError, match="not of PBE"):
            VaspOutputs(Level.parse("vasp:pbe", {"output": lda})).relax(other, tmp_path)
        with pytest.raises(ScientificFailureError, match="IVDW"):
            VaspOutputs(Level.parse("vasp:pbe-d3bj", {"output": sha})).relax(
                structure, tmp_path, cell=cell
            )
        engine = VaspOutputs(Level.parse("vasp:pbe", {"output": sha}))
        with pytest.raises(ScientificFailureError, match="other atoms"):
            engine.relax(slab(), tmp_path, cell=cell)
        with pytest.raises(ScientificFailureError, match="ISIF"):
            engine.relax(structure, tmp_path, cell="isotropic")
        larger = AtomicStructure.model_validate(
            {**structure.model_dump(), "cell": (np.array(structure.cell) * 1.01).tolist()}
        )
        with pytest.raises(ScientificFailureError, match="another cell"):
            engine.relax(larger, tmp_path, cell=cell)
        (tmp_path / "imported" / f"{sha}.xml").write_text("<modeling/>")
        with pytest.raises(ScientificFailureError, match="was changed"):
            VaspOutputs(Level.parse("vasp:pbe", {"output": sha})).relax(structure, tmp_path)


def test_xml_with_entities_is_not_opened(tmp_path):
    path = tmp_path / "vasprun.xml"
    path.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><modeling/>')
    with pytest.raises(ScientificFailureError, match="DOCTYPE"):
        read_vasprun(path)
