"""Adsorption of one fragment on one slab at one level: where it ends up and how strongly it holds.

An adsorption energy here always is that of a fragment that stays what it was. Where it falls
apart, the energy of what it becomes is a number of its own (``dissociated_ev``), and the products
are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.calculations.adsorption_document import (
    USABLE,
    AdsorptionDocument,
    AdsorptionEnd,
    extxyz,
)
from mgscreen.calculations.adsorption_reference import IonDocument, references
from mgscreen.calculations.adsorption_search import Search
from mgscreen.calculations.base import calculation
from mgscreen.calculations.slab import SlabDocument, provenance_of
from mgscreen.calculations.steps import write_atomically
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.periodic import get_periodic_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.calculations.adsorption_search import End, Found
    from mgscreen.calculations.crystal import CrystalDocument
    from mgscreen.calculations.gas import GasDocument
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine

SITES = ("top", "bridge", "hcp", "fcc", "hollow", "subsurface")


@calculation("adsorption", AdsorptionDocument)
def adsorb(  # noqa: PLR0913, PLR0917 - what an adsorption energy depends on
    fragment: AtomicStructure,
    slab: SlabDocument,
    level: Level,
    gas: GasDocument | None = None,
    x2: GasDocument | None = None,
    bulk: CrystalDocument | None = None,
    ion: IonDocument | None = None,
    sites: tuple[str, ...] = SITES,
    orientations: int = 3,
    fmax: float = 0.02,
    dispersion: bool = True,
    metal: str = "Mg",
    potential_v: float = 0.0,
    *,
    identity: str = "",
) -> AdsorptionDocument:
    """Relax a fragment on every distinct site of a slab in several orientations.

    Parameters
    ----------
    fragment
        Neutral, with its multiplicity; ``label`` is its name in the library.
    slab
        Relaxed clean slab at the same level.
    level
        A level for slabs.
    gas, x2, bulk, ion
        The references, at the same level; None or failed ones leave theirs blank.
    sites
        Kinds of sites: ``top``, ``bridge``, ``hcp``, ``fcc``, ``hollow``, ``subsurface``.
    orientations
        Of a molecule on each site.
    fmax
        Force at which an end has converged, eV/angstrom.
    dispersion
        Add D3(BJ) on the ends, where the level has none.
    metal, potential_v
        Electrode of the ion reference and its potential against itself, V.
    identity
        Set by the calculation's frame.

    Returns
    -------
    AdsorptionDocument
        ``files`` names the best end and all of them as extended xyz.
    """
    clean, energy = usable_slab(slab)
    engine = get_periodic_engine(level)
    start = fragment
    if gas is not None and gas.state == "completed" and gas.structure is not None:
        start = gas.structure.model_copy(update={"label": fragment.label})
    search = Search(slab.as_slab(), clean, level, runtime().workdir(identity), fmax=fmax)
    found = search.quick(search.starts(start, sites, orientations))
    if not found.ends:
        raise ScientificFailureError(
            f"no start of {fragment.label or fragment.formula} could be relaxed: "
            + "; ".join(sorted(set(found.failed.values())))
        )
    return assemble(
        engine,
        fragment,
        slab,
        [described_end(search, end, energy) for end in found.ends],
        found,
        identity,
        (gas, x2, bulk, ion),
        dispersion=dispersion and not level.dispersion,
        metal=metal,
        potential_v=potential_v,
        geometry_level=level,
    )


def with_dispersion(level: Level, *, add: bool) -> Level:
    """Return the level of an energy that has D3(BJ) added, for its name."""
    if not add or level.dispersion:
        return level
    return level.model_copy(update={"dispersion": "d3bj"})


def usable_slab(slab: SlabDocument | None) -> tuple[AtomicStructure, float]:
    """Return structure and energy (eV) of a clean slab.

    Raises
    ------
    ScientificFailureError
        If the slab failed.
    """
    if slab is None:
        raise ScientificFailureError("there is no clean slab: it was not computed")
    if slab.state == "failed" or slab.structure is None or slab.energy_ev is None:
        raise ScientificFailureError(f"there is no clean slab: {slab.reason or 'it failed'}")
    return slab.structure, slab.energy_ev


def described_end(search: Search, end: End, clean_ev: float) -> AdsorptionEnd:
    """Return an end of a search as a document keeps it; ``clean_ev`` is the clean slab's energy."""
    place = search.place(end)
    return AdsorptionEnd(
        site=place.name,
        lateral_a=place.lateral_a,
        starts=end.starts,
        stage=end.stage,
        difference_ev=end.energy_ev - clean_ev,
        events=end.fate.events,
        products=end.fate.products,
        broken_bonds=end.fate.broken,
        formed_bonds=end.fate.formed,
        height_a=end.fate.height_a,
        slab_moved_a=end.fate.moved_a,
        intact=end.fate.intact,
        max_force_ev_per_a=end.max_force_ev_per_a,
        force_calls=end.steps,
        note=end.reason,
        structure=end.structure,
    )


def assemble(  # noqa: PLR0913
    engine: PeriodicEngine,
    fragment: AtomicStructure,
    slab: SlabDocument,
    ends: list[AdsorptionEnd],
    found: Found,
    identity: str,
    given: tuple[
        GasDocument | None, GasDocument | None, CrystalDocument | None, IonDocument | None
    ],
    *,
    dispersion: bool,
    metal: str,
    potential_v: float,
    geometry_level: Level,
) -> AdsorptionDocument:
    """Put ends, references and what they mean together; adds dispersion where asked."""
    gas, x2, bulk, ion = given
    name = fragment.label or fragment.formula
    extra: dict[str, float] = {}
    if dispersion:
        clean_d3 = _d3(slab.structure)
        for end in ends:
            end.dispersion_ev = _d3(end.structure) - clean_d3
            end.difference_ev += end.dispersion_ev
        ends = sorted(ends, key=lambda e: e.difference_ev)
        extra = {
            "gas": _d3(gas.structure) if gas is not None else 0.0,
            "x2": _d3(x2.structure) if x2 is not None else 0.0,
        }
        if bulk is not None and bulk.structure is not None:
            extra["bulk"] = _d3(bulk.structure) / len(bulk.structure.symbols)
        for key in ("gas",):
            for end in ends:
                end.dispersion_ev -= extra[key]
    base = references(
        name,
        gas=gas,
        x2=x2,
        bulk=bulk,
        ion=ion,
        metal=metal,
        potential_v=potential_v,
        dispersion=extra,
    )
    best = next((k for k, e in enumerate(ends) if e.intact and e.stage in USABLE), None)
    lowest = next((k for k, e in enumerate(ends) if e.stage in USABLE), None)
    pieces = next((e for e in ends if "dissociated" in e.events and e.stage in USABLE), None)
    document = AdsorptionDocument(
        **{**provenance_of(engine), "level": str(with_dispersion(engine.level, add=dispersion))},
        fragment=name,
        slab_label=slab.slab_label,
        geometry_level=str(geometry_level),
        energy_convention=engine.energy_convention,
        ends=ends,
        best=best,
        lowest=lowest,
        energies=base if best is None else base.at(ends[best].difference_ev),
        dissociated_ev=None
        if pieces is None or base.radical.offset_ev is None
        else pieces.difference_ev + base.radical.offset_ev,
        potential_v=potential_v,
        n_starts=found.n_starts,
        force_calls=found.force_calls,
        failed_starts=found.failed,
        converged={"relaxation": lowest is not None},
        warnings=_warnings(ends, gas, engine),
    )
    if lowest is None:
        document.state = "failed"
        document.reason = f"none of {len(ends)} ends of {name} converged"
        return document
    document.structure = ends[lowest if best is None else best].structure
    if engine.energy_convention == "mp2020" and best is not None:
        document.correction_ev = _correction(ends[best].structure, slab.structure)
    document.files = _write(document, identity)
    return document


def _warnings(
    ends: Sequence[AdsorptionEnd], gas: GasDocument | None, engine: PeriodicEngine
) -> list[str]:
    rows = [] if gas is None else list(gas.warnings)
    usable = [e.difference_ev for e in ends if e.stage in USABLE]
    open_ends = [e for e in ends if e.stage == "not converged"]
    rows += [
        f"an end at {e.label} did not converge and lies {min(usable) - e.difference_ev:.2f} eV "
        "below the lowest one that did"
        for e in open_ends
        if usable and e.difference_ev < min(usable)
    ]
    if engine.energy_convention == "mp2020":
        rows.append(
            f"{engine.level} has learned the MP2020 corrections: the bound atom carries one, X2 "
            "and the isolated fragment do not, so its adsorption energies are not plain PBE ones"
        )
    return rows


def _d3(structure: AtomicStructure | None) -> float:
    if structure is None:
        return 0.0
    from mgscreen.engines.dispersion import d3

    atoms = structure.to_ase()
    atoms.calc = d3()
    return float(atoms.get_potential_energy())


def _correction(whole: AtomicStructure, clean: AtomicStructure | None) -> float | None:
    from mgscreen.engines.mlip import mp2020_correction

    if clean is None:
        return None
    return mp2020_correction(whole) - mp2020_correction(clean)


def _write(document: AdsorptionDocument, identity: str) -> dict[str, str]:
    """Write the best end, and all ends with their energies, as extended xyz."""
    folder = runtime().artefacts(identity)
    number = document.best if document.best is not None else document.lowest
    files = {}
    for role, ends in (
        ("best", [document.ends[number]] if number is not None else []),
        ("ends", document.ends),
    ):
        path = folder / f"{role}.extxyz"
        write_atomically(path, extxyz(document, ends))
        files[role] = runtime().name_of(path)
    return files
