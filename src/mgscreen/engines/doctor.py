"""Which engines are installed, and whether they really work here.

Each engine computes H2O or crystalline MgO, and the result is compared with a number that is known:
an engine that is installed but broken (a wrong library, an old processor) is found before a
campaign runs.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mgscreen.core.errors import MgscreenError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.device import needs_gpu, require_device
from mgscreen.engines.level import PERIODIC, Level
from mgscreen.engines.periodic import get_periodic_engine

WATER = AtomicStructure(
    symbols=("O", "H", "H"),
    positions=((0.0, 0.0, 0.119262), (0.0, 0.763239, -0.477047), (0.0, -0.763239, -0.477047)),
    label="H2O",
)
_H = 2.106
MGO = AtomicStructure(
    symbols=("Mg", "O"),
    positions=((0.0, 0.0, 0.0), (_H, _H, _H)),
    cell=((0.0, _H, _H), (_H, 0.0, _H), (_H, _H, 0.0)),
    pbc=(True, True, True),
    label="MgO",
)


@dataclass(frozen=True)
class Probe:
    """What is known of an engine before it is tried."""

    name: str
    package: str
    module: str
    level: str
    energy: float
    """of ``WATER`` (hartree) or, at a level for crystals, of ``MGO`` (eV) at ``level``, as computed
    when this was written"""
    tolerance: float
    licence: str
    citation: str
    extra: str
    settings: tuple[tuple[str, object], ...] = ()
    alike: tuple[str, ...] = ()
    """other distributions of the same package, for other versions of CUDA"""


@dataclass(frozen=True)
class EngineStatus:
    """One engine, as ``mgscreen doctor`` shows it."""

    name: str
    installed: bool
    works: bool
    version: str
    licence: str
    citation: str
    install: str
    """command that installs it, or what else it needs"""
    note: str
    """what was tried, or why it does not work"""
    seconds: float


PROBES = (
    Probe(
        name="xtb",
        package="tblite",
        module="tblite.interface",
        level="xtb:gfn2",
        energy=-5.070222,
        tolerance=2e-5,
        licence="LGPL-3.0-or-later",
        citation="doi:10.1021/acs.jctc.8b01176",
        extra="xtb",
    ),
    Probe(
        name="pyscf",
        package="pyscf",
        module="pyscf.dft",
        level="pyscf:b3lyp/6-31g(d)",
        energy=-76.408936,
        tolerance=5e-5,
        licence="Apache-2.0",
        citation="doi:10.1063/5.0006074",
        extra="pyscf",
        settings=(("grid", 1),),
    ),
    Probe(
        name="pyscf C-PCM",
        package="pyscf",
        module="pyscf.solvent",
        level="pyscf:b3lyp/6-31g(d)/cpcm(7.2)",
        energy=-76.417832,
        tolerance=5e-5,
        licence="Apache-2.0",
        citation="doi:10.1063/1.3511297",
        extra="pyscf",
        settings=(("grid", 1), ("pcm_order", 17)),
    ),
    Probe(
        name="D3(BJ)",
        package="dftd3",
        module="dftd3.interface",
        level="pyscf:b3lyp-d3bj/6-31g(d)",
        energy=-76.409510,
        tolerance=5e-5,
        licence="LGPL-3.0-or-later",
        citation="doi:10.1002/jcc.21759",
        extra="pyscf",
        settings=(("grid", 1),),
    ),
    Probe(
        name="D4",
        package="dftd4",
        module="dftd4.interface",
        level="pyscf:b3lyp-d4/6-31g(d)",
        energy=-76.409248,
        tolerance=5e-5,
        licence="LGPL-3.0-or-later",
        citation="doi:10.1063/1.5090222",
        extra="pyscf",
        settings=(("grid", 1),),
    ),
    Probe(
        name="CHGNet",
        package="chgnet",
        module="chgnet.model",
        level="mlip:chgnet",
        energy=-12.62112,
        tolerance=1e-3,
        licence="Modified BSD",
        citation="doi:10.1038/s42256-023-00716-3",
        extra="mlip",
    ),
    Probe(
        name="SevenNet",
        package="sevenn",
        module="sevenn.calculator",
        level="mlip:7net-0",
        energy=-11.94771,
        tolerance=1e-3,
        licence="MIT",
        citation="doi:10.1021/acs.jctc.4c00190",
        extra="mlip",
    ),
    Probe(
        name="gpaw",
        package="gpaw",
        module="gpaw",
        level="gpaw:pbe",
        energy=-4.2706,
        tolerance=5e-3,
        licence="GPL-3.0-or-later",
        citation="doi:10.1063/5.0182685",
        extra="gpaw",
        settings=(("cutoff_ev", 300.0), ("kpts", [2, 2, 2])),
    ),
    Probe(
        name="pyscf on a GPU",
        package="gpu4pyscf-cuda12x",
        alike=("gpu4pyscf-cuda13x", "gpu4pyscf-cuda11x"),
        module="mgscreen.engines.pyscf_gpu",
        level="pyscf:b3lyp/6-31g(d)",
        energy=-76.408936,
        tolerance=5e-5,
        licence="Apache-2.0",
        citation="arXiv:2404.09452",
        extra="gpu",
        settings=(("grid", 1), ("device", "gpu")),
    ),
    Probe(
        name="potentials on a GPU",
        package="torch",
        module="chgnet.model",
        level="mlip:chgnet",
        energy=-12.62112,
        tolerance=2e-3,
        licence="BSD-3-Clause",
        citation="doi:10.1145/3620665.3640366",
        extra="mlip",
        settings=(("device", "cuda"),),
    ),
)
TOOLS = (
    ("geomeTRIC", "geometric", "geometric.optimize", "BSD-3-Clause", "doi:10.1063/1.4952956"),
    ("scikit-image", "scikit-image", "skimage.measure", "BSD-3-Clause", "doi:10.7717/peerj.453"),
)


def examine() -> list[EngineStatus]:
    """Try every engine; takes a few seconds."""
    return [_try(probe) for probe in PROBES] + [_import(*tool) for tool in TOOLS]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _try(probe: Probe) -> EngineStatus:
    found = next(filter(None, map(_version, (probe.package, *probe.alike))), "")
    level = Level.parse(probe.level, dict(probe.settings))
    works, note, start = False, "", time.perf_counter()
    missing = _no_device(level) if found else ""
    if not found:
        note = "not installed"
    elif missing:
        # what a machine does not have is no defect of it
        note, found = missing, ""
    else:
        try:
            importlib.import_module(probe.module)
            energy, unit, system = _energy(level)
            works = abs(energy - probe.energy) < probe.tolerance
            where = " on a GPU" if needs_gpu(level.settings) else ""
            note = f"{system} at {probe.level}{where}: {energy:.6f} {unit}"
            if not works:
                note += f", expected {probe.energy:g} within {probe.tolerance:g}"
        except MgscreenError as error:
            note = str(error)
        except Exception as error:  # noqa: BLE001 - a broken library may raise anything
            note = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return EngineStatus(
        name=probe.name,
        installed=bool(found),
        works=works,
        version=found,
        licence=probe.licence,
        citation=probe.citation,
        install=f"pip install 'mgscreen[{probe.extra}]'",
        note=note,
        seconds=round(time.perf_counter() - start, 2),
    )


def _no_device(level: Level) -> str:
    """Return why the device of a level cannot be used here; empty if it can."""
    try:
        require_device(level)
    except MgscreenError as error:
        return str(error)
    return ""


def _energy(level: Level) -> tuple[float, str, str]:
    """Return the energy of the test system of a level, its unit, and what the system is."""
    with tempfile.TemporaryDirectory() as folder:
        if level.engine in PERIODIC:
            found = get_periodic_engine(level).single_point(MGO, Path(folder))
            return found.energy_ev, "eV", "MgO"
        from mgscreen.engines.units import HARTREE_EV

        energy = get_engine(level).single_point(WATER, Path(folder)).energy_ev
        return energy / HARTREE_EV, "hartree", "H2O"


def _import(name: str, package: str, module: str, licence: str, citation: str) -> EngineStatus:
    found = _version(package)
    works, note, start = False, "not installed", time.perf_counter()
    if found:
        try:
            importlib.import_module(module)
            works, note = True, f"{module} imports"
        except Exception as error:  # noqa: BLE001
            note = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return EngineStatus(
        name=name,
        installed=bool(found),
        works=works,
        version=found,
        licence=licence,
        citation=citation,
        install="pip install 'mgscreen[pyscf]'",
        note=note,
        seconds=round(time.perf_counter() - start, 2),
    )
