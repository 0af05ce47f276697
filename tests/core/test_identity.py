"""Identity: equal physics, equal hash; anything that can change a value changes it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.core.documents import Document
from mgscreen.core.identity import canonical, digest
from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.engines.level import Level

WATER = AtomicStructure(
    symbols=("O", "H", "H"),
    positions=((0.0, 0.0, 0.119), (0.0, 0.763, -0.477), (0.0, -0.763, -0.477)),
)


def test_label_does_not_enter():
    assert digest(WATER) == digest(WATER.model_copy(update={"label": "water"}))


def test_noise_below_rounding_does_not_enter():
    noisy = WATER.with_positions([[x + 1e-8 for x in row] for row in WATER.positions])
    assert digest(noisy) == digest(WATER)


@pytest.mark.parametrize(
    "other",
    [
        WATER.with_state(1, 2),
        WATER.with_state(0, 3),
        WATER.with_positions([[x + 1e-3 for x in row] for row in WATER.positions]),
        AtomicStructure(symbols=("S", "H", "H"), positions=WATER.positions),
        WATER.model_copy(
            update={"fragments": (Fragment(name="OH", role="anion", atoms=(0, 1), charge=-1),)}
        ),
    ],
)
def test_what_changes_a_value_changes_the_hash(other):
    assert digest(other) != digest(WATER)


def test_a_document_enters_by_its_own_identity_so_that_times_never_do():
    first = Document(input_hash="a" * 32, wall_s=1.0, host="here")
    second = Document(input_hash="a" * 32, wall_s=2.0, host="there")
    assert digest({"parent": first}) == digest({"parent": second})
    assert digest({"parent": first}) == digest({"parent": first.model_dump()})
    assert digest({"parent": first}) != digest({"parent": Document(input_hash="b" * 32)})


def test_model_and_its_json_have_the_same_identity():
    level = Level.parse("pyscf:b3lyp/6-31g(d)/cpcm(7.2)", settings={"grid": 1})
    assert digest(level) == digest(level.model_dump())
    assert digest(WATER) == digest(WATER.model_dump())


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text(max_size=8)
    | st.floats(-1e6, 1e6, allow_nan=False),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), children, max_size=4)
    ),
    max_leaves=12,
)


@given(plain)
def test_order_of_keys_does_not_enter(value):
    def reverse(item):
        if isinstance(item, dict):
            return {k: reverse(v) for k, v in reversed(list(item.items()))}
        return [reverse(v) for v in item] if isinstance(item, list) else item

    assert digest(value) == digest(reverse(value))


@given(plain)
def test_canonical_is_idempotent(value):
    once = canonical(value)
    assert canonical(once) == once


def test_integer_and_integral_float_are_the_same_setting():
    assert digest({"eps": 7}) == digest({"eps": 7.0})


def test_not_a_number_has_no_identity():
    with pytest.raises(ValueError, match="JSON compliant"):
        digest({"x": math.nan})


def test_an_object_of_another_kind_has_no_identity():
    with pytest.raises(TypeError, match="cannot be part of an identity"):
        digest(object())
