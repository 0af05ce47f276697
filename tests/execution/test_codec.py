"""jobflow's JSON is decoded only as far as it names what is allowed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.engines.level import Level
from mgscreen.execution.codec import UnsafeContentError, check, decode, decode_job, encode
from mgscreen.execution.worker import run_payload

HARMFUL = [
    {"@module": "os", "@callable": "system", "@bound": None},
    {"@module": "builtins", "@callable": "eval", "@bound": None},
    {"@module": "subprocess", "@class": "Popen", "args": ["true"]},
    {"@module": "posix", "@callable": "system"},
    # through a module that an allowed one has imported
    {"@module": "mgscreen.core.runtime", "@callable": "os.system", "@bound": None},
    {"@module": "mgscreen.execution.pool", "@callable": "subprocess.Popen", "@bound": None},
    # a class that an allowed module has imported
    {"@module": "mgscreen.core.runtime", "@class": "Path", "x": 1},
    {"@module": "mgscreen.execution.pool", "@callable": "Future", "@bound": None},
    {"@module": "mgscreen.core.runtime", "@callable": "runtime.__globals__", "@bound": None},
    {"@module": "mgscreen.core.runtime", "@callable": "_current", "@bound": None},
    {"@module": "mgscreenx.core", "@class": "Level"},
    {"@module": "jobflow.no_such_module", "@class": "Job"},
    {"@module": ["os"], "@callable": "system"},
    {"@module": "mgscreen.engines.level", "@class": {"a": 1}},
    {"@module": "jobs_for_tests", "@callable": "trivial", "@bound": None},
    {"@module": "numpy", "@class": "load", "file": "x"},
    {"@module": "pickle", "@callable": "loads", "@bound": None},
]


@pytest.mark.parametrize("item", HARMFUL, ids=lambda i: f"{i['@module']}")
@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: {"a": [1, {"b": x}]}, lambda x: [[x]]], ids="123"
)
def test_what_is_not_allowed_is_refused(item, wrap):
    with pytest.raises(UnsafeContentError):
        decode(wrap(item))


def test_what_is_allowed_comes_back():
    level = Level.parse("pyscf:b3lyp-d3bj/6-31+g(d)/cpcm(7.2)", settings={"grid": 3})
    assert decode(json.loads(encode({"level": level}))) == {"level": level}


def test_a_module_of_the_caller():
    import jobs_for_tests

    item = {"@module": "jobs_for_tests", "@callable": "trivial", "@bound": None}
    assert decode(item, ["jobs_for_tests"]) is jobs_for_tests.trivial
    with pytest.raises(UnsafeContentError):
        # it imports os, which is not what was allowed
        decode({**item, "@callable": "os.system"}, ["jobs_for_tests"])


def test_arrays_and_dates_come_back():
    import datetime as dt

    import numpy as np

    value = {"a": np.arange(3.0), "t": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}
    found = decode(json.loads(encode(value)))
    assert found["a"].tolist() == [0.0, 1.0, 2.0]
    assert found["t"].year == 2026


def test_a_worker_refuses_a_harmful_job(tmp_path):
    target = tmp_path / "made"
    job = {
        "@module": "jobflow.core.job",
        "@class": "Job",
        "function": {"@module": "os", "@callable": "mkdir", "@bound": None},
        "function_args": [str(target)],
    }
    payload = {
        "job": job,
        "outputs": {},
        "modules": [],
        "runtime": {"scratch": None, "files": None, "threads": 1, "memory_mb": 100},
    }
    reply = json.loads(run_payload(json.dumps(payload)))
    assert reply["error"]["type"] == "UnsafeContentError"
    assert reply["error"]["message"].startswith("'os.mkdir' is not allowed in a job")
    assert not target.exists()
    # in an output of another job as well
    good = {**job, "function": {"@module": "mgscreen.core.identity", "@callable": "digest"}}
    payload.update(job=good, outputs={"x": {"output": job["function"]}})
    assert json.loads(run_payload(json.dumps(payload)))["error"]["type"] == "UnsafeContentError"


def test_no_job_is_refused():
    with pytest.raises(UnsafeContentError, match="does not hold a jobflow Job"):
        decode_job({"a": 1})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain)
def test_plain_json_passes_unchanged(value):
    assert decode(json.loads(json.dumps(value))) == value


@given(st.text(), st.text())
def test_any_other_module_is_refused(module, name):
    if module.split(".")[0] not in {"jobflow", "mgscreen"}:
        with pytest.raises(UnsafeContentError):
            check({"@module": module, "@callable": name})
