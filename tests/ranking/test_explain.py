"""From a rank back to the numbers."""

import json

import pytest

from mgscreen.core.errors import InputError
from mgscreen.ranking.explain import explain


def test_every_value_of_the_rank_is_there_with_its_source(build):
    database, number = build()
    told = explain(database, number, "tfsi")
    used = {i.value.property: i for i in told.items if i.used}
    assert used["reduction_potential_vertical"].value.value == 1.11
    assert used["oxidation_potential_vertical"].value.value == 5.73
    assert used["reduction_on_anion"].value.value == 0.82
    for item in used.values():
        assert item.value.method == "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)//xtb:gfn2"
        assert item.value.calculation.startswith("two-salts-")
        assert item.code == "PySCF 2.14.0"
        assert item.warnings == ("one conformer",)
        assert item.files
    assert not any(i.used for i in told.items if i.value.property in {"homo", "lumo"})
    assert told.host == ("DME",)


def test_the_text_says_what_the_data_say(build):
    database, number = build()
    told = explain(database, number, "PFTB")
    text = " ".join(told.text(width=240).split())
    for part in (
        "PFTB: CEI former",
        "4.41 V",
        "7.68 eV (unbound)",
        "withheld",
        "SHE 4.28 V",
        "[MgPFTB]+",
        "one conformer",
    ):
        assert part in text


def test_markup_in_data_stays_text(build, published):
    p = published
    row = p.Row("X", "[bold red]x[/] [/nope]")
    bad = [p.failure("reduction_potential_vertical", "[/nope] broke")]
    database, number = build([*p.PUBLISHED, ("X", "molecule", "[/x]", bad)], (p.DME, row))
    assert "[/nope] broke" in explain(database, number, "X").text(width=240)


def test_it_is_json(build):
    database, number = build()
    data = json.loads(json.dumps(explain(database, number, "TFSI").as_dict(), allow_nan=False))
    assert data["ranked"]["candidate"] == "TFSI"
    assert data["items"][0]["value"]["property"]


def test_a_name_that_is_not_there_gets_the_nearest(build):
    database, number = build()
    with pytest.raises(InputError, match="did you mean 'TFSI'"):
        explain(database, number, "TFSII")
