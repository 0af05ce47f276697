"""Which engines are installed, and whether they really work here.

Each engine computes H2O, and the result is compared with a number that is known: an engine that is
installed but broken (a wrong library, an old processor) is found before a campaign runs.
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
from mgscreen.engines.level import Level

WATER = AtomicStructure(
    symbols=("O", "H", "H"),
    positions=((0.0, 0.0, 0.119262), (0.0, 0.763239, -0.477047), (0.0, -0.763239, -0.477047)),
    label="H2O",
)


@dataclass(frozen=True)
class Probe:
    """What is known of an engine before it is tried."""

    name: str
    package: str
    module: str
    level: str
    hartree: float
    """energy of ``WATER`` at ``level``, as computed when this was written"""
    tolerance: float
    licence: str
    citation: str
    extra: str
    settings: tuple[tuple[str, object], ...] = ()


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
    """command that installs it"""
    note: str
    """what was tried, or why it does not work"""
    seconds: float


PROBES = (
    Probe(
        name="xtb",
        package="tblite",
        module="tblite.interface",
        level="xtb:gfn2",
        hartree=-5.070222,
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
        hartree=-76.408936,
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
        hartree=-76.417832,
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
        hartree=-76.409510,
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
        hartree=-76.409248,
        tolerance=5e-5,
        licence="LGPL-3.0-or-later",
        citation="doi:10.1063/1.5090222",
        extra="pyscf",
        settings=(("grid", 1),),
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
    found = _version(probe.package)
    works, note, start = False, "", time.perf_counter()
    if not found:
        note = "not installed"
    else:
        try:
            importlib.import_module(probe.module)
            engine = get_engine(Level.parse(probe.level, dict(probe.settings)))
            from mgscreen.engines.units import HARTREE_EV

            with tempfile.TemporaryDirectory() as folder:
                energy = engine.single_point(WATER, Path(folder)).energy_ev / HARTREE_EV
            works = abs(energy - probe.hartree) < probe.tolerance
            note = f"H2O at {probe.level}: {energy:.6f} hartree"
            if not works:
                note += f", expected {probe.hartree:g} within {probe.tolerance:g}"
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
