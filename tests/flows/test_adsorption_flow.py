"""The DAG of adsorption: which jobs, and what they share; pieces of molecules on a surface."""

import doctest

import pytest

import mgscreen.flows.adsorption as module
from mgscreen.calculations.electron import RedoxStep
from mgscreen.calculations.fragmentation import Fragmentation, Piece
from mgscreen.calculations.redox import AdiabaticRedoxDocument
from mgscreen.campaign.loader import load_campaign
from mgscreen.campaign.surfaces import SlabSpec, Surfaces
from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level
from mgscreen.flows.adsorption import AdsorptionMaker, adsorb_pieces, adsorption_flows
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import SolidLevels
from mgscreen.structures.fragments import fragment
from mgscreen.structures.fragments_pieces import broken_off

LEVELS = SolidLevels(
    (Level.parse("mlip:chgnet"), Level.parse("mlip:7net-0")), Level.parse("gpaw:pbe")
)


def jobs_of(**given):
    maker = AdsorptionMaker(levels=LEVELS, surfaces=Surfaces(**given))
    return [job for job, _ in maker.make().iterflow()]


def test_references_and_slabs_are_computed_once():
    jobs = jobs_of(fragments=("F", "Cl"), slabs=(SlabSpec(), SlabSpec(supercell=(2, 2))))
    names = [j.name for j in jobs]
    assert len(names) == len(set(names))
    assert sum(j.metadata["kind"] == "gas" for j in jobs) == 8
    assert sum(j.metadata["kind"] == "slab" for j in jobs) == 4
    assert sum(j.metadata["kind"] == "adsorption" for j in jobs) == 8
    assert sum(j.metadata["kind"] == "crystal" for j in jobs) == 2


def test_dft_takes_the_first_potentials_geometry_with_the_mesh_of_the_preset():
    jobs = {j.name: j for j in jobs_of(fragments=("F",), dft="single-point")}
    job = jobs["adsorption F on Mg(001)-4L-3x3 gpaw:pbe"]
    assert job.metadata["level"] == "gpaw:pbe-d3bj"
    assert job.metadata["geometry_level"] == "mlip:chgnet"
    assert job.metadata["accepts_failed"]
    level = job.function_kwargs["level"]
    from mgscreen.engines.gpaw import GpawEngine
    from mgscreen.structures.crystals import load_crystal
    from mgscreen.structures.slabs import build_slab

    slab = build_slab(load_crystal("Mg"), (0, 0, 1)).structure
    assert GpawEngine(level).kpts(slab) == (3, 3, 1)
    # the reference in the box has the level without the slab's mesh, as other topics use it
    assert jobs["gas F gpaw:pbe"].function_kwargs["level"] == LEVELS.dft


def test_metal_adatom_waits_for_its_crystal():
    jobs = {j.name: j for j in jobs_of(fragments=("Mg",))}
    job = jobs["adsorption Mg on Mg(001)-4L-3x3 mlip:chgnet"]
    assert job.function_kwargs["bulk"].uuid == jobs["crystal Mg mlip:chgnet"].uuid


def test_ion_is_computed_only_without_a_tabulated_potential():
    level = Level.parse("pyscf:b3lyp/6-31+g(d)/cpcm(7.2)")
    maker = AdsorptionMaker(
        levels=LEVELS, surfaces=Surfaces(fragments=("F", "CF3")), ion_level=level
    )
    kinds = [j.name for j, _ in maker.make().iterflow() if j.metadata["kind"] == "ion"]
    assert kinds == ["ion CF3"]


def test_what_is_not_run_or_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'CF3'"):
        jobs_of(fragments=("CF33",))
    vasp = SolidLevels(LEVELS.potentials, Level.parse("vasp:pbe"))
    maker = AdsorptionMaker(levels=vasp, surfaces=Surfaces(fragments=("F",), dft="single-point"))
    with pytest.raises(InputError, match="export-inputs"):
        maker.make()
    path = tmp_path / "c.toml"
    path.write_text('name = "c"\n[surfaces]\nfrom_molecules = true\n', encoding="utf-8")
    campaign = load_campaign(path).campaign
    with pytest.raises(InputError, match="redox-adiabatic"):
        adsorption_flows(campaign, CrystalJobs(), tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slabs = [{layers = 2}]", "at least one has to be free"),
        ("slabs = [{miller = [0, 0, 0]}]", "not all zero"),
        ("slabs = [{miller = [1, 0, 0, 0]}]", "minus the sum"),
        ("slabs = [{}, {}]", "given twice"),
        ('inline = [{name = "X"}]', "either smiles or xyz"),
        ('inline = [{name = "F", smiles = "[F]"}]', "given twice"),
        ('ion_level = "xtb:gfn2"', "expected a PySCF level"),
    ],
)
def test_faults_of_the_section_are_named(tmp_path, text, expected):
    path = tmp_path / "c.toml"
    path.write_text(f'name = "c"\n[surfaces]\n{text}\n', encoding="utf-8")
    with pytest.raises(InputError, match=expected) as caught:
        load_campaign(path)
    assert "c.toml" in str(caught.value)


def redox(symbols, positions, broken=((0, 1),), charge=-1):
    structure = AtomicStructure(symbols=symbols, positions=positions, charge=charge)
    piece = Piece(formula="x", atoms=(0,), charge_e=-1.0, unpaired_spin=0.0, structure=structure)
    step = RedoxStep(
        charge=-2,
        multiplicity=1,
        bonds=Fragmentation(broken=list(broken), broken_labels=["C-S"], pieces=[piece]),
    )
    return AdiabaticRedoxDocument(reduction=step, input_hash="".join(symbols))


def test_pieces_of_molecules_become_neutral_fragments_once():
    oxygen = redox(("O", "H"), ((0, 0, 0), (0, 0, 0.97)))
    bromide = redox(("Br",), ((0, 0, 0),))
    metal = redox(("Mg",), ((0, 0, 0),), charge=0)
    whole = redox(("Cl",), ((0, 0, 0),), broken=())
    found = broken_off([oxygen, bromide, None, oxygen, metal, whole], known=[fragment("OH")])
    assert [(f.label, f.charge, f.multiplicity) for f in found] == [("Br", 0, 2)]
    plain = oxygen.model_dump(mode="json")
    assert [f.label for f in broken_off([plain])] == ["HO"]


def test_pieces_replace_their_job_by_adsorption_jobs():
    surfaces = Surfaces(fragments=("F",), from_molecules=True).model_dump(mode="json")
    given = {
        "slabs": [None],
        "levels": [LEVELS.potentials[0]],
        "surfaces": surfaces,
        "spec": SlabSpec().model_dump(mode="json"),
        "metal": "Mg",
        "ion_level": None,
        "known": [fragment("F")],
    }
    response = adsorb_pieces([redox(("Br",), ((0, 0, 0),))], **given)
    names = [job.name for job, _ in response.replace.iterflow()]
    assert names[-1] == "adsorption Br on Mg(001)-4L-3x3 mlip:chgnet"
    assert "gas Br2 mlip:chgnet" in names
    assert adsorb_pieces([redox(("F",), ((0, 0, 0),))], **given) is None


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(module).failed == 0
