"""The voltage profile and what stands beside it."""

import pandas as pd
import pytest

from mgscreen.database.reference import read_references
from mgscreen.report.voltages import (
    _chart,
    measured_range,
    profile_points,
    published_voltages,
)

DOCUMENT = {
    "host": "Mo6S8",
    "species": "Mg",
    "level": "mlip:chgnet",
    "mean_v": 1.1,
    "steps": [{"start": 0, "end": 1, "volt": 1.3}, {"start": 1, "end": 2, "volt": 0.9}],
}


def values(spec):
    return [layer["data"]["values"] for layer in spec["layer"]]


def test_a_step_is_drawn_flat():
    points = [(p["x"], p["volt"]) for p in profile_points(DOCUMENT)]
    assert points == [(0, 1.3), (1, 1.3), (1, 0.9), (2, 0.9)]


def test_measurement_and_cut_offs_are_drawn_beside_it():
    chart = _chart("Mo6S8", [DOCUMENT], (0.9, 2.5), (1.0, 1.3))
    band, rules, line = values(chart["spec"])
    assert (band[0]["low"], band[0]["high"], band[0]["x2"]) == (1.0, 1.3, 2)
    assert [r["v"] for r in rules] == [0.9, 2.5]
    assert {p["level"] for p in line} == {"mlip:chgnet"}
    assert "1.10 V (mlip:chgnet)" in chart["alt"]
    assert "0.9 to 2.5 V" in chart["alt"]
    bare = _chart("VS2", [DOCUMENT], None, None)
    assert len(bare["spec"]["layer"]) == 1


@pytest.mark.parametrize(
    ("text", "expected"), [("1.0-1.3", (1.0, 1.3)), ("about 1", None), (None, None)]
)
def test_only_a_range_is_a_range(text, expected):
    rows = [{"system": "Mo6S8", "property": "voltage", "text": text, "value": None}]
    assert measured_range(pd.DataFrame(rows), "Mo6S8") == expected
    assert measured_range(pd.DataFrame(rows), "VS2") is None


def test_the_shipped_range_is_found():
    rows = pd.DataFrame([r.model_dump() for r in read_references()])
    assert measured_range(rows, "Mo6S8") == (1.0, 1.3)


def test_published_voltages_stand_beside_the_profile():
    rows = published_voltages(pd.DataFrame([r.model_dump() for r in read_references()]), {"Mo6S8"})
    found = {(r["system"], r["quantity"], r["value"]) for r in rows}
    assert ("Mo6S8", "voltage", "1.0-1.3") in found
    assert ("Mo6S8", "cut-off of the charge", "2.5") in found
    # polyaniline's window is a reference for every cathode
    assert ("PANI", "window from", "1.8") in found
    assert ("PANI", "window to", "2.9") in found
