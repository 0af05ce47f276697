"""Sites, starts and fates on slabs: what must not depend on how the atoms are written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.core.errors import InputError
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.fragments import fragment, from_smiles, from_xyz
from mgscreen.structures.fragments_fate import fate
from mgscreen.structures.sites import adsorption_sites, nearest_site, plane_operations
from mgscreen.structures.sites_place import joined, placements, same_adsorbate
from mgscreen.structures.slabs import build_slab

SLABS = {
    name: build_slab(load_crystal(name), miller, layers=3, fixed_layers=1, supercell=(2, 2))
    for name, miller in {"Mg": (0, 0, 1), "Al": (1, 0, 0), "MgO": (1, 0, 0)}.items()
}
SHIFTS = st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
few = settings(max_examples=25, deadline=None)


def rewritten(slab, shift, order):
    """The same slab moved in its plane by a fraction of the cell, its atoms in another order."""
    cell = np.asarray(slab.structure.cell)
    moved = np.asarray(slab.structure.positions) + shift[0] * cell[0] + shift[1] * cell[1]
    fractional = moved @ np.linalg.inv(cell)
    fractional[:, :2] %= 1.0
    moved = fractional @ cell
    new = {old: place for place, old in enumerate(order)}
    structure = slab.structure.model_copy(
        update={
            "symbols": tuple(slab.structure.symbols[i] for i in order),
            "positions": tuple(tuple(map(float, moved[i])) for i in order),
        }
    )
    return replace(
        slab,
        structure=structure,
        layers=tuple(slab.layers[i] for i in order),
        fixed=tuple(sorted(new[i] for i in slab.fixed)),
    )


def starts_of(slab, name, orientations):
    return placements(
        slab.structure,
        fragment(name),
        adsorption_sites(slab),
        orientations=orientations,
        operations=plane_operations(slab),
    )


def told(slab):
    return sorted(
        (s.name.rstrip("-0123456789"), s.multiplicity, round(s.normal_distance, 3))
        for s in adsorption_sites(slab)
    )


@few
@given(st.sampled_from(sorted(SLABS)), SHIFTS, st.randoms(use_true_random=False))
def test_sites_depend_neither_on_the_origin_nor_on_the_order_of_atoms(name, shift, random):
    order = list(range(len(SLABS[name].layers)))
    random.shuffle(order)
    assert told(rewritten(SLABS[name], shift, order)) == told(SLABS[name])


@few
@given(st.sampled_from(sorted(SLABS)), SHIFTS, st.floats(1.0, 4.0), st.data())
def test_images_of_an_adsorbate_are_the_same_adsorbate(name, place, height, data):
    slab = SLABS[name]
    cell = np.asarray(slab.structure.cell)
    operations = plane_operations(slab)
    piece = fragment("SO2")
    top = np.asarray(slab.structure.positions)[:, 2].max()
    xyz = np.asarray(piece.positions) - np.mean(piece.positions, axis=0)
    xyz = xyz + place[0] * cell[0] + place[1] * cell[1] + np.array([0.0, 0.0, top + height])
    rotation, shift = data.draw(st.sampled_from(operations))
    image = (xyz @ np.linalg.inv(cell) @ np.asarray(rotation).T + shift) @ cell
    one, two = joined(slab.structure, piece, xyz), joined(slab.structure, piece, image)
    n = len(slab.layers)
    assert same_adsorbate(one, two, n, operations)
    assert same_adsorbate(two, one, n, operations)
    lifted = joined(slab.structure, piece, xyz + np.array([0.0, 0.0, 1.0]))
    assert not same_adsorbate(one, lifted, n, operations)


@few
@given(st.sampled_from(sorted(SLABS)), st.integers(0, 5), st.tuples(*[st.integers(-2, 2)] * 2))
def test_fate_does_not_depend_on_the_cell_an_adsorbate_stands_in(name, which, cells):
    slab = SLABS[name]
    starts = starts_of(slab, "CF3", 2)
    start = starts[which % len(starts)].structure
    cell = np.asarray(start.cell)
    n = len(slab.layers)
    moved = np.array(start.positions)
    moved[n:] += cells[0] * cell[0] + cells[1] * cell[1]
    after = start.with_positions(moved)
    here = fate(slab.structure, start, start, slab.layers)
    there = fate(slab.structure, start, after, slab.layers)
    assert here.events == there.events == ("intact",)
    assert here.products == there.products == ("CF3",)
    assert here.height_a == pytest.approx(there.height_a)


def test_what_is_pulled_apart_lifted_or_pushed_in_is_told():
    slab = SLABS["Mg"]
    n = len(slab.layers)
    start = starts_of(slab, "CF3", 1)[0].structure
    cf3 = np.array(start.positions)
    carbon = next(i for i in range(n, len(cf3)) if start.symbols[i] == "C")
    lost = next(i for i in range(n, len(cf3)) if start.symbols[i] == "F")
    top = np.array(slab.structure.positions)[:, 2].max()
    apart = cf3.copy()
    # one F on the far side of the cell, as close to the metal as F sits there
    apart[lost] = apart[carbon] + 0.5 * np.asarray(start.cell)[0]
    apart[lost, 2] = top + 1.3
    found = fate(slab.structure, start, start.with_positions(apart), slab.layers)
    assert found.events[0] == "dissociated"
    assert [p.removesuffix(" (free)") for p in found.products] == ["CF2", "F"]
    assert found.broken == ("C-F",)
    lifted = cf3.copy()
    lifted[n:, 2] += 5.0
    assert fate(slab.structure, start, start.with_positions(lifted), slab.layers).events == (
        "desorbed",
    )
    fluorine = starts_of(slab, "F", 1)[0].structure
    pushed = np.array(fluorine.positions)
    middle = next(s for s in adsorption_sites(slab) if s.name.startswith("subsurface"))
    pushed[n] = middle.position
    assert (
        "subsurface"
        in fate(slab.structure, fluorine, fluorine.with_positions(pushed), slab.layers).events
    )


def test_where_a_side_has_no_site_a_position_still_has_a_name():
    slab = SLABS["Mg"]
    only_above = adsorption_sites(slab, subsurface=False)
    above, below = only_above[0].position, np.array(only_above[0].position) - [0.0, 0.0, 1.5]
    operations = plane_operations(slab)
    found = nearest_site(np.array(above), only_above, slab, operations, below=False)
    assert (found.name, found.lateral_a) == ("top", pytest.approx(0.0, abs=1e-6))
    assert nearest_site(below, only_above, slab, operations, below=True).lateral_a is None
    assert nearest_site(below, only_above, slab, operations, below=True).name == "subsurface"


def test_starts_of_a_fragment_are_distinct_and_in_a_stable_order():
    slab = SLABS["Mg"]
    n, operations = len(slab.layers), plane_operations(slab)
    first, second = (starts_of(slab, "SO2", 3) for _ in range(2))
    assert [s.structure for s in first] == [s.structure for s in second]
    for k, one in enumerate(first):
        for other in first[:k]:
            assert not same_adsorbate(one.structure, other.structure, n, operations)


@few
@given(st.text(max_size=200))
def test_any_text_as_xyz_is_a_fragment_or_one_sentence(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("xyz") / "a.xyz"
    path.write_text(text, encoding="utf-8")
    try:
        found = from_xyz("X", path, 1)
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert found.symbols


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="CFONSHclBr()[]=#123+-@. ", max_size=25))
def test_any_text_as_smiles_is_a_neutral_fragment_or_one_sentence(text):
    try:
        found = from_smiles("X", text)
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert found.charge == 0
        assert Counter(found.symbols)
