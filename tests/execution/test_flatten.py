"""Rows of a flow: each payload is what jobflow writes of the job."""

from __future__ import annotations

import datetime as dt
import json
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from jobflow import Flow, Job, JobConfig, Maker
from jobflow.core.reference import OnMissing
from jobs_for_tests import trivial

from mgscreen.engines.level import Level
from mgscreen.execution.codec import encode
from mgscreen.execution.flatten import flatten


class Colour(Enum):
    RED = "red"


class Build(Maker):
    name = "build"

    def make(self, value):
        return trivial(value)


FIRST = Job(trivial, function_args=(1,), name="first", metadata={"kind": "x", "cost_s": 2.0})
VARIED = [
    FIRST,
    Job(trivial, function_args=(FIRST.output,), name="second"),
    Job(trivial, function_args=(FIRST.output.a["b"][0], 2.5, None, True), name="third"),
    Job(trivial, function_kwargs={"value": [FIRST.output, {"x": (1, 2)}]}, name="fourth"),
    Job(trivial, function_args=(np.arange(3), Path("a"), Colour.RED), name="arrays"),
    Job(trivial, function_args=(Level.parse("pyscf:b3lyp/6-31g(d)", {"grid": 1}),), name="level"),
    Job(trivial, function_args=({1: "number as a key"},), name="keys"),
    Job(trivial, metadata={"when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)}),
    Job(trivial, config=JobConfig(on_missing_references=OnMissing.NONE), hosts=["h"]),
    Job(trivial, function_args=(1,), output_schema=None, index=3),
    Job(sum, function_args=([1, 2],), name="builtin"),
    Job(Build().make, function_args=(1,), name="bound"),
    Job(trivial, function_args=(7,), name="back to the shared parts"),
]


@pytest.mark.parametrize("job", VARIED, ids=lambda job: job.name)
def test_a_payload_is_what_jobflow_writes(job):
    # behind another job, so that what they share is taken from there
    row = next(r for r in flatten([FIRST, job]) if r["uuid"] == job.uuid)
    assert json.loads(row["payload"])["job"] == json.loads(encode(job.as_dict()))


def test_parents_are_found_and_come_first():
    rows = flatten(Flow([*VARIED[1:4], FIRST], name="f"))
    assert next(row["name"] for row in rows) == "first"
    assert all(row["parents"] == [FIRST.uuid] for row in rows[1:])
    assert (rows[0]["kind"], rows[0]["cost_s"]) == ("x", 2.0)


def test_what_no_database_takes_is_replaced():
    job = Job(trivial, function_args=(float("nan"), "a\x00b", float("inf")))
    payload = json.loads(flatten(job)[0]["payload"])
    assert payload["job"]["function_args"] == [None, "a\ufffdb", None]
