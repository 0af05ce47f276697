"""The difference of two levels as a source of uncertainty: stated and used, never a shift."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from mgscreen.core.documents import PropertyValue
from mgscreen.database.jobs import JobRef
from mgscreen.ranking.calibration import calibrate, next_level, of_potentials
from mgscreen.ranking.coatings import gather, phase_calibrations, rank_coatings
from mgscreen.ranking.roles import load_evidence

sys.path.insert(0, str(Path(__file__).parent))
import filmed

QUICK = "pyscf:b3lyp/6-31g(d)/cpcm(7.2)"
BETTER = "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)"


def test_the_root_mean_square_holds_the_common_shift_too():
    lower = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 9.0}
    found = calibrate("barrier", ("x", lower), ("y", {"a": 1.3, "b": 2.1, "c": 3.2}), "eV")
    assert found.systems == ("a", "b", "c")
    assert found.shift == pytest.approx(0.2)
    assert found.rms == pytest.approx(((0.09 + 0.01 + 0.04) / 3) ** 0.5)
    assert "counted as an error" in found.statement
    assert calibrate("barrier", ("x", lower), ("y", {"a": 1.3, "b": 2.1})) is None


def test_the_mean_over_potentials_is_what_dft_is_compared_with():
    rows = {
        p: {"mlip:a": v - 0.2, "mlip:b": v + 0.2, "gpaw:pbe//mlip:a": v + 0.1}
        for p, v in (("P", 1.0), ("Q", 2.0), ("R", 0.5))
    }
    assert of_potentials("barrier", rows, "eV").rms == pytest.approx(0.1)


def frame(rows):
    columns = ["candidate", "form", "property", "value", "method", "state"]
    return pd.DataFrame([(*row, "completed") for row in rows], columns=columns)


def test_potentials_of_the_next_preset_calibrate_those_of_the_quick_one():
    name = "reduction_potential_vertical"
    rows = [(c, "ion", name, 1.0, f"{QUICK}//xtb:gfn2") for c in "abcd"]
    rows += [(c, "ion", name, 1.4, f"{BETTER}//xtb:gfn2") for c in "abc"]
    rows += [(c, "salt", name, 7.0, BETTER) for c in "abc"]
    found = next_level(frame(rows), QUICK)
    assert set(found) == {"reduction"}
    assert found["reduction"].rms == pytest.approx(0.4)
    assert found["reduction"].upper == BETTER
    # there is nothing above it, and an unknown level has no next one
    assert next_level(frame(rows), BETTER) == {}
    assert next_level(frame(rows), "pyscf:pbe/6-31g(d)/cpcm(7.2)") == {}


def test_it_widens_the_error_of_potentials_but_not_their_value(tmp_path):
    database, number = filmed.build(tmp_path / "films.db")
    before = {n: o["values"]["percolating_barrier"] for n, o in gather(database, number).items()}
    assert phase_calibrations(database) == {}
    shown = {r.phase: r for r in rank_coatings(database, number, samples=500)}
    for phase in ("MgF2", "MgO", "MgCl2"):
        identity = f"dft-{phase}"
        job = {
            "uuid": identity,
            "name": identity,
            "kind": "phase_migration_dft",
            "candidate": phase,
            "form": "Mg migration",
            "species": phase,
            "level": filmed.DFT,
        }
        value = filmed.BARRIERS[phase] + 0.3
        document = filmed.Published(
            kind="phase_migration_dft",
            level=filmed.DFT,
            input_hash=identity,
            rows=[PropertyValue(property="percolating_barrier", value=value, unit="eV")],
        )
        database.add_jobs(number, [job])
        database.record(JobRef(**job), document, None, "COMPLETED", wall_s=1.0)
    found = phase_calibrations(database)["percolating_barrier"]
    assert found.rms == pytest.approx(0.3)
    after = gather(database, number)["MgBr2"]["values"]["percolating_barrier"]
    assert after.value == before["MgBr2"].value
    assert (before["MgBr2"].sd, after.sd) == (None, pytest.approx(0.3))
    assert "counted as an error" in after.reason
    wide = {r.phase: r for r in rank_coatings(database, number, samples=500)}
    assert wide["MgBr2"].get("percolating_barrier").sd == pytest.approx(0.3)
    assert shown["MgBr2"].get("percolating_barrier").sd is None
    database.close()


def test_the_error_of_a_potential_contains_it(tmp_path):
    database, number = filmed.build(tmp_path / "films.db")
    evidence = load_evidence(database, number)
    value = next(v for v in evidence.by_candidate["FLUORO"] if v.property.startswith("reduction_p"))
    plain = evidence.sd(value)
    one = calibrate(
        "reduction_potential",
        ("x", dict.fromkeys("abc", 0.0)),
        (
            "y",
            {
                "a": 0.3,
                "b": -0.3,
                "c": 0.3,
            },
        ),
    )
    evidence.calibrations = {"reduction": one}
    assert evidence.sd(value) == pytest.approx((plain**2 + 0.09) ** 0.5)
    database.close()
