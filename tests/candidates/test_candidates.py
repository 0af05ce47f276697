import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.campaign.models import Campaign, Candidates
from mgscreen.candidates.files import load_candidates
from mgscreen.candidates.formulas import parse_formula
from mgscreen.candidates.library import load_library
from mgscreen.candidates.model import check_chemistry
from mgscreen.candidates.resolve import resolve
from mgscreen.core.errors import InputError


@pytest.mark.parametrize("candidate", load_library().values(), ids=lambda c: c.name)
def test_every_row_of_the_library_agrees_with_its_smiles(candidate):
    found = check_chemistry(candidate.smiles, candidate.charge, candidate.multiplicity)
    assert found == (candidate.formula, candidate.charge, candidate.multiplicity)


def test_open_shells_of_the_library():
    spins = {n: c.multiplicity for n, c in load_library().items() if c.multiplicity != 1}
    assert spins == {"O2": 3, "CRCL3": 4}


def test_forms_and_labels_of_a_campaign():
    given_ = Candidates(
        library=("TFSI",), forms={"anion": ("ion", "salt", "solvated-contact-ion-pair")}
    )
    resolved = resolve(Campaign(name="c", candidates=given_))
    labels = [s.label for s in resolved.species]
    assert labels == ["Mg2+", "DME", "ALCL4-", "TFSI-", "Mg(TFSI)2", "[MgTFSI(DME)2]+"]
    assert [s.charge for s in resolved.species] == [2, 0, -1, -1, 0, 1]


def test_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match="did you mean 'TFSI'"):
        resolve(Campaign(name="c", candidates=Candidates(library=("TFSJ",))))


def test_a_cation_makes_no_contact_ion_pair():
    forms = {"TBA": ("contact-ion-pair",)}
    with pytest.raises(InputError, match="is a cation"):
        resolve(Campaign(name="c", candidates=Candidates(library=("TBA",), forms_of=forms)))


def test_csv_fault_names_line_and_field(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("name,smiles,charge\nA,CCO,0\nB,CC[O-],0\n")
    with pytest.raises(InputError) as caught:
        load_candidates(file)
    assert (caught.value.location.line, caught.value.location.field) == (3, "charge")


@given(st.text(max_size=30) | st.text("MgCl2()DE0-", max_size=20))
def test_formulas_are_read_or_refused(text):
    try:
        parts = parse_formula(text)
    except ValueError:
        return
    assert parts
    assert all(1 <= p.count <= 24 for p in parts)


@given(st.binary(max_size=200), st.sampled_from([".csv", ".toml"]))
def test_malformed_files_give_input_errors_only(tmp_path_factory, raw, suffix):
    file = tmp_path_factory.getbasetemp() / f"malformed{suffix}"
    file.write_bytes(raw)
    with pytest.raises(InputError):
        load_candidates(file)
