"""Slabs, fragments, adsorption and migration by VASP: inputs as a step asks for them, and back."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest
from ase.build import bulk
from command_line_for_tests import mgscreen
from vasprun_for_tests import write_vasprun

from mgscreen.calculations.adsorption_dft import adsorb_dft
from mgscreen.calculations.adsorption_document import AdsorptionDocument, AdsorptionEnd
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
from mgscreen.calculations.phase_migration_dft import phase_migration_dft
from mgscreen.calculations.slab import clean_slab, slab_single_point
from mgscreen.core.errors import InputError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.imported import keep
from mgscreen.engines.level import Level
from mgscreen.execution.exchange_vasp import band, read_vasp, write_vasp
from mgscreen.structures.fragments import fragment

PBE = Level.parse("gpaw:pbe")


@pytest.fixture(autouse=True)
def _runtime(tmp_path):
    with use_runtime(Runtime(scratch=tmp_path / "scratch", files=tmp_path)):
        yield


@pytest.fixture(scope="module")
def crystal():
    return AtomicStructure.from_ase(bulk("Mg", "hcp", a=3.2, c=5.2), label="Mg")


def incar(folder):
    from pymatgen.io.vasp.inputs import Incar

    return Incar.from_file(folder / "INCAR")


def read_back(function, arguments, folder, files):
    kept = {keep(path, files): path for path in sorted(folder.glob("**/vasprun.xml"))}
    return function(**{**arguments, "level": read_vasp(arguments, kept)})


@pytest.fixture
def slab(crystal, tmp_path):
    """A clean slab as VASP is made to relax it, read back."""
    arguments = {
        "crystal": crystal,
        "level": PBE,
        "layers": 3,
        "fixed": 1,
        "supercell": (2, 2),
        "vacuum": 10.0,
        "label": "Mg(001)-3L-2x2",
    }
    folder = tmp_path / "slab"
    write_vasp(clean_slab, arguments, folder)
    moved = np.zeros((12, 3))
    moved[-1, 2] = 0.05
    write_vasprun(folder, -17.0, moved=moved, forces=np.full((12, 3), 0.01), steps=4)
    return read_back(clean_slab, arguments, folder, tmp_path)


def test_a_slab_goes_out_as_a_relaxation_of_one_side_and_comes_back(slab, tmp_path):
    folder = tmp_path / "slab"
    tags = incar(folder)
    assert (tags["ENCUT"], tags["IBRION"], tags["ISIF"], tags["NSW"]) == (450, 2, 2, 200)
    assert (tags["LDIPOL"], tags["IDIPOL"], tags["ISMEAR"]) == (True, 3, 1)
    assert "3 3 1" in (folder / "KPOINTS").read_text()
    held = (folder / "POSCAR").read_text().count("F F F")
    assert held == 4
    assert (folder / "POTCAR.spec").read_text() == "PAW_PBE Mg\n"
    assert slab.state == "completed", slab.reason
    assert (slab.level, slab.code, slab.code_version) == ("vasp:pbe", "VASP", "6.4.2")
    assert slab.energy_ev == -17.0
    assert slab.steps == 4
    assert slab.max_force_ev_per_a == pytest.approx(0.01 * 3**0.5)
    assert slab.structure.positions[-1][2] - slab.cut.positions[-1][2] == pytest.approx(0.05)
    assert slab.work_function_ev is None, "it is not in vasprun.xml"


def test_a_single_point_of_a_slab_is_static(slab, tmp_path):
    folder = tmp_path / "point"
    arguments = {"slab": slab, "level": Level.parse("gpaw:pbe-d3bj")}
    write_vasp(slab_single_point, arguments, folder)
    assert (incar(folder)["NSW"], incar(folder)["IVDW"]) == (0, 12)
    write_vasprun(folder, -18.5)
    found = read_back(slab_single_point, arguments, folder, tmp_path)
    assert (found.state, found.energy_ev, found.level) == ("completed", -18.5, "vasp:pbe-d3bj")


def test_an_atom_alone_is_polarised(tmp_path):
    folder = tmp_path / "gas"
    arguments = {"structure": fragment("F"), "level": PBE}
    write_vasp(gas_energy, arguments, folder)
    tags = incar(folder)
    assert (tags["ISPIN"], tags["NUPDOWN"], tags["ISMEAR"]) == (2, 1, 0)
    assert "MAGMOM = 1*1.0000" in (folder / "INCAR").read_text()
    assert "LDIPOL" not in tags
    assert "1 1 1" in (folder / "KPOINTS").read_text()
    write_vasprun(folder, -0.6)
    found = read_back(gas_energy, arguments, folder, tmp_path)
    assert (found.state, found.energy_ev) == ("completed", -0.6)


def with_fluorine(slab, height):
    structure = slab.structure
    top = np.array(structure.positions[-1])
    return AtomicStructure(
        symbols=(*structure.symbols, "F"),
        positions=(*structure.positions, tuple(np.add(top, [0.0, 0.0, height]))),
        cell=structure.cell,
        pbc=structure.pbc,
        label="F on Mg",
    )


def an_end(slab, height, difference):
    return AdsorptionEnd(
        site="top",
        lateral_a=0.0,
        starts=["top/0"],
        stage="relaxed",
        difference_ev=difference,
        events=("intact",),
        products=("F",),
        height_a=height,
        slab_moved_a=0.0,
        intact=True,
        max_force_ev_per_a=0.02,
        force_calls=10,
        structure=with_fluorine(slab, height),
    )


@pytest.mark.parametrize("relax", [False, True])
def test_adsorption_at_several_ends(slab, tmp_path, relax):
    search = AdsorptionDocument(
        level="mlip:chgnet",
        fragment="F",
        geometry_level="mlip:chgnet",
        ends=[an_end(slab, 1.8, -3.0), an_end(slab, 2.2, -2.5)],
    )
    gas = gas_energy.document(
        level="vasp:pbe", energy_ev=-0.6, energy_convention="pbe", structure=fragment("F")
    )
    arguments = {
        "search": search,
        "search_slab": slab,
        "slab": slab,
        "fragment": fragment("F"),
        "level": PBE,
        "gas": gas,
        "top": 2,
        "relax": relax,
        "dispersion": False,
    }
    folder = tmp_path / "adsorption"
    write_vasp(adsorb_dft, arguments, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["1", "2"]
    assert incar(folder / "1")["NSW"] == (200 if relax else 0)
    assert incar(folder / "1")["IDIPOL"] == 3
    assert (folder / "1" / "POTCAR.spec").read_text() == "PAW_PBE Mg\nPAW_PBE F\n"
    write_vasprun(folder / "1", -22.0)
    alone = read_back(adsorb_dft, arguments, folder, tmp_path)
    assert len(alone.failed_starts) == 1, "the other end has no output yet"
    write_vasprun(folder / "2", -21.0)
    found = read_back(adsorb_dft, arguments, folder, tmp_path)
    assert found.state == "completed", found.reason
    assert [end.difference_ev for end in found.ends] == pytest.approx([-5.0, -4.0])
    assert found.energies.radical.value_ev == pytest.approx(-22.0 + 17.0 + 0.6)
    assert found.level == "vasp:pbe"


@pytest.fixture(scope="module")
def hop():
    cell = bulk("MgO", "rocksalt", a=4.2, cubic=True)
    del cell[0]
    start = np.array(cell.positions)
    mobile = int(np.argmin(np.linalg.norm(start - [0.0, 2.1, 2.1], axis=1)))
    structures = []
    for part in (0.0, 0.5, 1.0):
        positions = start.copy()
        positions[mobile] = start[mobile] * (1 - part)
        moved = cell.copy()
        moved.positions = positions
        structures.append(AtomicStructure.from_ase(moved, label="MgO vacancy"))
    return HopRecord(
        name="vacancy 1",
        mechanism="vacancy",
        distance_a=2.97,
        direction=(0.0, -1.0, -1.0),
        multiplicity=12,
        symmetric=False,
        dimension=3,
        edges=[(0, 0, (0, 1, 1))],
        barrier_ev=1.8,
        limiting_ev=1.8,
        initial=structures[0],
        saddle=structures[1],
        final=structures[2],
        mobile=mobile,
    )


def path_of(hop):
    return PhaseMigrationDocument(
        level="mlip:chgnet",
        phase="MgO",
        structure=hop.initial,
        hops=[hop],
        barrier_ev=1.8,
        dimension=3,
        path=[hop.name],
        mechanism="vacancy",
    )


def test_a_migration_path_goes_out_as_points_and_as_a_band(hop, tmp_path):
    folder = tmp_path / "migration"
    arguments = {
        "paths": [path_of(hop)],
        "level": PBE,
        "always": True,
        "max_uncertainty_ev": 0.1,
        "geometry": "last",
        "charge_states": ("neutral",),
        "mechanisms": "lowest",
        "relax": False,
    }
    write_vasp(phase_migration_dft, arguments, folder)
    neb = folder / "neb-vacancy_1-1"
    assert sorted(p.name for p in neb.iterdir() if p.is_dir()) == ["00", "01", "02", "03", "04"]
    tags = incar(neb)
    assert (tags["IMAGES"], tags["ICHAIN"], tags["LCLIMB"]) == (3, 0, True)
    assert "LDIPOL" not in tags
    assert not list(folder.glob("**/POTCAR"))
    for name, energy in (("initial", -70.0), ("saddle", -68.1), ("final", -69.9)):
        place = folder / "vacancy_1-1" / name
        assert incar(place)["NSW"] == 0
        write_vasprun(place, energy)
    found = read_back(phase_migration_dft, arguments, folder, tmp_path)
    assert found.state == "completed", found.reason
    assert found.points[0].barrier_ev == pytest.approx(1.9)
    assert found.points[0].barrier_backward_ev == pytest.approx(1.8)
    with pytest.raises(InputError, match="single-point"):
        write_vasp(phase_migration_dft, {**arguments, "relax": True}, folder)


CAMPAIGN = """
name = "paths"
[migration]
phases = ["MgO"]
mechanisms = ["vacancy"]
max_hops = 1
min_supercell = 6.0
dft = "all"
[levels]
potentials = ["mlip:chgnet"]
dft = "gpaw:pbe"
[levels.settings.gpaw]
max_iterations = 1          # what GPAW is asked for here fails at once
"""


@pytest.mark.slow
def test_vasp_takes_the_place_of_a_path_that_is_computed_in_parts(tmp_path):
    """Failed with GPAW, done with VASP: endpoints and saddles are not asked for again."""
    (tmp_path / "c.toml").write_text(CAMPAIGN)
    mgscreen("run", "c.toml", "--no-report", "-q", cwd=tmp_path, code=None)
    before = states(tmp_path)
    kinds = [kind for kind, _, _ in before]
    assert kinds.count("migration_points") == 2
    assert {state for kind, state, _ in before if "points" in kind or "dft" in kind} == {"FAILED"}
    export = ("export", "inputs", "c.toml", "--code", "vasp", "--to", "v")
    told = mgscreen(*export, cwd=tmp_path).stdout
    assert "1 of" in told, told
    (place,) = [p for p in (tmp_path / "v").iterdir() if p.is_dir()]
    (point,) = [p for p in place.iterdir() if p.name.startswith("vacancy-1")]
    write_vasprun(point / "initial", -70.0)
    write_vasprun(point / "saddle", -68.1)
    assert "1 of 1 steps read" in mgscreen("import", "v", cwd=tmp_path).stdout
    after = states(tmp_path)
    assert {
        (state, level) for kind, state, level in after if "points" in kind or "dft" in kind
    } == {("COMPLETED", "vasp:pbe")}
    again = mgscreen("run", "c.toml", "--no-report", cwd=tmp_path)
    assert "nothing to compute" in again.stdout + again.stderr
    assert states(tmp_path) == after
    assert "vasp:pbe//mlip:chgnet" in mgscreen("rank", "phases", "paths", cwd=tmp_path).stdout


def states(folder):
    from contextlib import closing

    with closing(sqlite3.connect(folder / "results/paths/mgscreen.db")) as db:
        rows = db.execute(
            "select j.kind, j.state, c.level from jobs j left join calculations c "
            "on c.hash = j.calculation"
        )
        return sorted(rows.fetchall())


def test_a_band_runs_from_end_to_end_through_the_saddle(hop):
    images = band(hop, between=2)
    assert len(images) == 7
    for image, part in zip(images, np.linspace(0, 1, 7), strict=True):
        wanted = np.array(hop.initial.positions[hop.mobile]) * (1 - part)
        assert image.positions[hop.mobile] == pytest.approx(wanted, abs=1e-9)


SOLIDS = """
name = "solids"
[surfaces]
fragments = ["F"]
dft = "relax"
slabs = [{ crystal = "Mg", layers = 3, supercell = [2, 2], fixed = 1 }]
[levels]
potentials = ["mlip:chgnet"]
dft = "gpaw:pbe"
"""


def test_what_a_campaign_has_open_goes_out_step_by_step(tmp_path):
    """Before anything has run: the crystal and the atom; after the crystal came back: the slab."""
    from mgscreen.campaign.loader import load_campaign
    from mgscreen.cli.databases import place_of
    from mgscreen.cli.export_inputs import enrolled
    from mgscreen.database.database import Database
    from mgscreen.execution.exchange import export_inputs, import_outputs

    (tmp_path / "solids.toml").write_text(SOLIDS)
    loaded = load_campaign(tmp_path / "solids.toml")
    place = place_of("solids", None, tmp_path / "r")
    campaign = enrolled(loaded, place)
    out = tmp_path / "vasp"
    with Database(place.address) as database:
        export_inputs(database, campaign, "vasp", out)
        first = json.loads((out / "manifest.json").read_text())["jobs"]
        assert {entry["name"].split()[0] for entry in first.values()} >= {"gas", "crystal"}
        for name in first:
            write_vasprun(out / name, -3.0)
        steps = import_outputs(database, campaign, out, tmp_path / "f", tmp_path / "s")
        assert not [step for step in steps if step.problem], steps
        export_inputs(database, campaign, "vasp", out)
        second = json.loads((out / "manifest.json").read_text())["jobs"]
        added = {second[name]["name"] for name in set(second) - set(first)}
        assert any("slab" in name for name in added), added
        methods = set(database.frame_properties()["method"])
        assert methods == {"vasp:pbe"}
