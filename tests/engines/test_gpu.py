"""A level names its device; a GPU gives the numbers of the CPU; without one a sentence says so."""

from __future__ import annotations

import numpy as np
import pytest

from mgscreen.core.errors import InfrastructureError, InputError, MgscreenError, MissingEngineError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.device import needs_gpu, require_device
from mgscreen.engines.doctor import MGO, examine
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine

DFT = "pyscf:b3lyp/6-31g(d)"
WITHIN_EV = 1e-5
SINGLE_PRECISION_EV = 1e-3
HYDROXYL = AtomicStructure(
    symbols=("O", "H"), positions=((0.0, 0.0, 0.0), (0.0, 0.0, 0.98)), multiplicity=2, label="OH"
)
HYDROXIDE = AtomicStructure(
    symbols=("O", "H"), positions=((0.0, 0.0, 0.0), (0.0, 0.0, 0.97)), charge=-1, label="OH-"
)


def why_not(level):
    try:
        require_device(level)
    except MgscreenError as error:
        return str(error)
    return ""


@pytest.fixture
def gpu_for_molecules():
    why = why_not(Level.parse(DFT, {"device": "gpu"}))
    if why:
        pytest.skip(why)


@pytest.fixture
def gpu_for_potentials():
    why = why_not(Level.parse("mlip:chgnet", {"device": "cuda"}))
    if why:
        pytest.skip(why)


def both(name, structure, folder, **settings):
    """Return the single point on the CPU and on the GPU."""
    found = []
    for device in ("cpu", "gpu"):
        engine = get_engine(Level.parse(name, {"device": device, **settings}))
        found.append(engine.single_point(structure, folder / device))
    return found


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu_for_molecules")
@pytest.mark.parametrize("of", ["water", "radical", "anion"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (DFT, {}),
        (DFT, {"density_fit": False}),
        ("pyscf:b3lyp/6-31+g(d)/cpcm(7.2)", {}),
        ("pyscf:wb97x-d3bj/def2-svpd", {"grid": "75,302"}),
        ("pyscf:pbe/6-311+g(d,p)", {}),
    ],
)
def test_a_single_point_on_the_gpu_is_that_of_the_cpu(tmp_path, water, name, settings, of):
    structure = {"water": water, "radical": HYDROXYL, "anion": HYDROXIDE}[of]
    cpu, gpu = both(name, structure, tmp_path, **settings)
    assert gpu.energy_ev == pytest.approx(cpu.energy_ev, abs=WITHIN_EV)
    assert gpu.alpha.homo_ev == pytest.approx(cpu.alpha.homo_ev, abs=WITHIN_EV)
    assert gpu.alpha.lumo_ev == pytest.approx(cpu.alpha.lumo_ev, abs=WITHIN_EV)
    assert gpu.charges == pytest.approx(cpu.charges, abs=1e-5)
    assert gpu.s_squared == pytest.approx(cpu.s_squared, abs=1e-6)
    assert not gpu.recovery


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu_for_molecules")
@pytest.mark.parametrize("solvent", ["", "/cpcm(7.2)"])
def test_a_relaxation_on_the_gpu_is_that_of_the_cpu(tmp_path, water, solvent):
    ends = [
        get_engine(Level.parse(DFT + solvent, {"device": device})).relax(water, tmp_path / device)
        for device in ("cpu", "gpu")
    ]
    assert all(end.converged for end in ends)
    assert ends[1].energy_ev == pytest.approx(ends[0].energy_ev, abs=WITHIN_EV)
    shift = np.array(ends[1].structure.positions) - np.array(ends[0].structure.positions)
    assert np.abs(shift).max() < 1e-3


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu_for_molecules")
def test_vibrations_on_the_gpu_are_those_of_the_cpu(tmp_path, water):
    found = [
        get_engine(Level.parse(DFT, {"device": device})).vibrations(water, tmp_path / device)
        for device in ("cpu", "gpu")
    ]
    assert found[1].wavenumbers_cm1 == pytest.approx(found[0].wavenumbers_cm1, abs=1.0)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu_for_molecules")
def test_a_state_of_one_device_starts_the_other(tmp_path, water):
    start = get_engine(Level.parse(DFT, {"device": "gpu"})).single_point(water, tmp_path / "a")
    cation = water.model_copy(update={"charge": 1, "multiplicity": 2})
    here = get_engine(Level.parse(DFT)).single_point(cation, tmp_path / "b", start.checkpoint)
    there = get_engine(Level.parse(DFT, {"device": "gpu"})).single_point(cation, tmp_path / "c")
    assert here.energy_ev == pytest.approx(there.energy_ev, abs=WITHIN_EV)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu_for_potentials")
@pytest.mark.parametrize("name", ["mlip:chgnet", "mlip:7net-0", "mlip:7net-0-d3bj"])
def test_a_potential_on_the_gpu_gives_the_numbers_of_the_cpu(tmp_path, name):
    cpu, gpu = (
        get_periodic_engine(Level.parse(name, {"device": device})).single_point(MGO, tmp_path)
        for device in ("cpu", "cuda")
    )
    assert gpu.energy_ev == pytest.approx(cpu.energy_ev, abs=SINGLE_PRECISION_EV)
    assert np.abs(gpu.forces - cpu.forces).max() < SINGLE_PRECISION_EV


def test_without_gpu4pyscf_the_command_that_installs_it_is_named():
    if not why_not(Level.parse(DFT, {"device": "gpu"})).startswith("gpu4pyscf is not installed"):
        pytest.skip("gpu4pyscf is installed here")
    with pytest.raises(MissingEngineError) as caught:
        get_engine(Level.parse(DFT, {"device": "gpu"}))
    assert str(caught.value) == ("gpu4pyscf is not installed: run `pip install 'mgscreen[gpu]'`")


def test_without_a_gpu_a_potential_says_what_is_missing(tmp_path):
    level = Level.parse("mlip:chgnet", {"device": "cuda"})
    why = why_not(level)
    if not why:
        pytest.skip("there is a CUDA device here")
    with pytest.raises(InfrastructureError) as caught:
        get_periodic_engine(level).single_point(MGO, tmp_path)
    assert str(caught.value) == why
    assert "\n" not in why
    assert why.endswith('device = "cpu"')
    assert "pip install" in why or "no CUDA device here" in why
    assert caught.value.retryable, "another node may have one"


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="expected cpu or gpu"):
        get_engine(Level.parse(DFT, {"device": "tpu"}))
    with pytest.raises(InputError, match="expected cpu or cuda"):
        get_periodic_engine(Level.parse("mlip:chgnet", {"device": "tpu"}))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, False),
        ({"device": "cpu"}, False),
        ({"device": "gpu"}, True),
        ({"device": "cuda"}, True),
    ],
)
def test_what_asks_for_a_gpu(settings, wanted):
    assert needs_gpu(settings) is wanted


def test_the_device_is_in_the_settings_of_a_result_and_the_cpu_changes_nothing(water, tmp_path):
    engine = get_engine(Level.parse(DFT, {"grid": 0}))
    assert engine.settings()["device"] == "cpu"
    first = engine.single_point(water, tmp_path)
    said = get_engine(Level.parse(DFT, {"grid": 0, "device": "cpu"}))
    assert said.single_point(water, tmp_path).checkpoint == first.checkpoint


@pytest.mark.slow
def test_doctor_tries_both_devices():
    found = {status.name: status for status in examine()}
    for name, level in (
        ("pyscf on a GPU", Level.parse(DFT, {"device": "gpu"})),
        ("potentials on a GPU", Level.parse("mlip:chgnet", {"device": "cuda"})),
    ):
        why = why_not(level)
        assert found[name].works is (not why)
        assert found[name].installed is (not why), "what is not there is no defect"
        assert found[name].note in {why, "not installed"} or found[name].works
