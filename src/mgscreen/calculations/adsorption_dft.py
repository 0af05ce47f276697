"""The DFT level takes over the best ends of a cheaper search: single points, or relaxations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.calculations.adsorption import assemble, described_end, usable_slab
from mgscreen.calculations.adsorption_document import USABLE, AdsorptionDocument
from mgscreen.calculations.adsorption_search import End, Found, Search
from mgscreen.calculations.base import calculation
from mgscreen.calculations.slab import SlabDocument, with_force
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.fragments_fate import fate

if TYPE_CHECKING:
    from mgscreen.calculations.adsorption_reference import IonDocument
    from mgscreen.calculations.crystal import CrystalDocument
    from mgscreen.calculations.gas import GasDocument


@calculation("adsorption", AdsorptionDocument)
def adsorb_dft(  # noqa: PLR0913, PLR0917
    search: AdsorptionDocument | None,
    search_slab: SlabDocument | None,
    slab: SlabDocument | None,
    fragment: AtomicStructure,
    level: Level,
    gas: GasDocument | None = None,
    x2: GasDocument | None = None,
    bulk: CrystalDocument | None = None,
    ion: IonDocument | None = None,
    top: int = 1,
    relax: bool = False,
    fmax: float = 0.03,
    dispersion: bool = True,
    metal: str = "Mg",
    potential_v: float = 0.0,
    *,
    identity: str = "",
) -> AdsorptionDocument:
    """Take the best ends of a cheaper level over: single points, or relaxations on the own slab.

    Parameters
    ----------
    search
        Result of ``adsorb`` at the cheaper level.
    search_slab
        The clean slab of that level.
    slab
        The clean slab at ``level``: on the geometry of ``search_slab`` for single points, relaxed
        at ``level`` itself where the ends are relaxed.
    fragment, gas, x2, bulk, ion, fmax, dispersion, metal, potential_v
        See ``adsorb``.
    level
        A DFT level, with the k-mesh of the slab.
    top
        How many of the lowest intact ends; the lowest one in pieces comes along where it lies
        below them.
    relax
        Relax them; otherwise single points.
    identity
        Set by the calculation's frame.
    """
    if search is None or search.state == "failed" or not search.ends:
        reason = "it was not computed" if search is None else search.reason
        raise ScientificFailureError(f"the cheaper level found nothing: {reason}")
    clean, energy = usable_slab(slab)
    rough_clean, _ = usable_slab(search_slab)
    if slab is None:  # pragma: no cover - usable_slab has refused it
        raise ScientificFailureError("there is no clean slab")
    engine = get_periodic_engine(with_force(level, fmax) if relax else level)
    folder = runtime().workdir(identity)
    looker = Search(slab.as_slab(), clean, level, folder, fmax=fmax)
    ends, failed, calls = [], {}, 0
    for number in _chosen(search, top):
        given = search.ends[number]
        start = _transplanted(given.structure, rough_clean, clean) if relax else given.structure
        try:
            if relax:
                done = engine.relax(start, folder / f"end-{number}", fixed=slab.fixed)
                after, value, steps = done.structure, done.energy_ev, done.steps
                largest, stage = done.max_force_ev_per_a, "relaxed"
                stage = stage if done.converged else "not converged"
            else:
                point = engine.single_point(start, folder / "ends")
                after, value, steps, stage = start, point.energy_ev, 1, "single point"
                largest = _largest(point.forces, slab.fixed)
        except ScientificFailureError as error:
            failed[given.label] = str(error)
            continue
        calls += steps
        changed = fate(clean, start, after, slab.layers)
        made = End(
            starts=[given.label],
            before=start,
            structure=after,
            energy_ev=value,
            stage=stage,
            below=False,
            steps=steps,
            max_force_ev_per_a=largest,
            fate=changed,
        )
        end = described_end(looker, made, energy)
        if not relax or not given.intact:
            # the bonds that broke on the way here broke at the cheaper level
            kept = ("intact", "events", "products", "broken_bonds", "formed_bonds")
            end = end.model_copy(update={k: getattr(given, k) for k in kept})
        ends.append(end)
    if not ends:
        raise ScientificFailureError("no end converged: " + "; ".join(failed.values()))
    ends.sort(key=lambda e: e.difference_ev)
    return assemble(
        engine,
        fragment,
        slab,
        ends,
        Found([], failed, calls, len(ends)),
        identity,
        (gas, x2, bulk, ion),
        dispersion=dispersion and not level.dispersion,
        metal=metal,
        potential_v=potential_v,
        geometry_level=level if relax else Level.parse(search.geometry_level),
    )


def _chosen(search: AdsorptionDocument, top: int) -> list[int]:
    """Numbers of the ends that go on: the lowest intact ones, and pieces that lie below them."""
    intact = [k for k, e in enumerate(search.ends) if e.intact and e.stage in USABLE]
    if len(intact) < top:
        intact += [k for k, e in enumerate(search.ends) if e.intact and e.stage == "rough"]
    chosen = intact[:top]
    pieces = [
        k for k, e in enumerate(search.ends) if "dissociated" in e.events and e.stage in USABLE
    ]
    if pieces and (not chosen or pieces[0] < chosen[0]):
        chosen.append(pieces[0])
    return chosen or [0]


def _transplanted(
    whole: AtomicStructure, old: AtomicStructure, new: AtomicStructure
) -> AtomicStructure:
    """Put an end of one level on the slab of another, whose lattice differs a little.

    Atoms of the slab keep their displacement, those of the fragment their place over the lattice
    and their height above the surface.
    """
    import numpy as np

    n = len(old.symbols)
    before, after = np.asarray(old.positions), np.asarray(new.positions)
    xyz = np.asarray(whole.positions)
    old_cell, new_cell = np.asarray(old.cell), np.asarray(new.cell)
    shift = (xyz[:n] - before) @ np.linalg.inv(old_cell)
    shift[:, :2] -= np.round(shift[:, :2])
    slab = after + shift @ old_cell
    plane = (xyz[n:] @ np.linalg.inv(old_cell))[:, :2] @ new_cell[:2]
    centre = plane.mean(axis=0)
    # a molecule is moved as a whole, not stretched with the lattice
    rigid = xyz[n:, :2] - xyz[n:, :2].mean(axis=0) + centre[:2]
    heights = xyz[n:, 2] - before[:, 2].max() + after[:, 2].max()
    rows = np.vstack([slab, np.column_stack([rigid, heights])])
    return AtomicStructure.model_validate(
        {**whole.model_dump(), "positions": rows.tolist(), "cell": new.cell}
    )


def _largest(forces: object, fixed: tuple[int, ...]) -> float:
    import numpy as np

    table = np.asarray(forces)
    free = np.ones(len(table), dtype=bool)
    free[list(fixed)] = False
    return float(np.linalg.norm(table[free], axis=1).max())
