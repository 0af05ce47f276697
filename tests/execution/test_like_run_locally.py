"""What jobflow's own local manager gives, the driver gives too."""

from __future__ import annotations

import json
import warnings
from collections import Counter

import jobs_for_tests as jobs
import pytest
from jobflow import Flow, Job, JobOrder, JobStore, run_locally
from maggma.stores import MemoryStore

from mgscreen.execution.worker import JobOutputs

pytestmark = pytest.mark.filterwarnings("ignore:Some jobs are not connected")


def fibonacci():
    return Flow([jobs.fibonacci(1, 1)])


def fibonacci_detour():
    first = jobs.fibonacci_detour(1, 1)
    return Flow([first, jobs.add(first.output, 1000)])


def fibonacci_replace():
    first = jobs.fibonacci_replace(1, 1)
    return Flow([first, jobs.add(first.output, 1000)])


def map_and_reduce():
    made = jobs.make_list(3, 4)
    spread = jobs.add_distributed(made.output)
    return Flow([made, spread, jobs.total(spread.output)])


def list_and_dict_of_jobs():
    one, two = jobs.many(3), jobs.many_by_name(3)
    return Flow([one, two, jobs.total(one.output), jobs.add(two.output["n2"], 5)])


def linear_order():
    inner = Flow([jobs.add(1, 1), jobs.add(2, 2)], order=JobOrder.LINEAR)
    return Flow([jobs.stop_children(1), inner, jobs.add(3, 3)], order=JobOrder.LINEAR)


def nested_flows():
    first = jobs.add(1, 2)
    inner = Flow([first], output=first.output)
    last = jobs.add(inner.output, 4)
    return Flow([Flow([inner]), last], output=last.output)


def parts_of_outputs():
    made = jobs.compute(3, 4)
    return Flow(
        [
            made,
            jobs.add(made.output["sum"], made.output["inner"]["product"][0]),
            jobs.add(made.output["sum"], b=1),
        ]
    )


def output_schema():
    made = jobs.total_document([1, 2, 3])
    return Flow(
        [
            made,
            jobs.add(made.output.total, made.output.parts[1]),
            # a property of the model, which the stored JSON does not hold
            jobs.add(made.output.doubled, 1),
            jobs.wrong_document([1]),
        ]
    )


def makers():
    start = jobs.AddMaker(step=2).make(1)
    used = jobs.use_maker(start.output, jobs.DoubleMaker(inner=jobs.AddMaker(step=5)))
    made = jobs.DoubleMaker(name="mine").make(used.output)
    flow = Flow([start, used, made, jobs.add(made.output, 100)])
    flow.update_metadata({"tag": "x"})
    flow.append_name(" of test")
    return flow


def stopping_children():
    first = jobs.stop_children(1)
    second = jobs.add(first.output, 1)
    return Flow([first, second, jobs.add(second.output, 1), jobs.add(5, 5)])


def failing():
    first = jobs.fail("on purpose")
    second = jobs.add(first.output, 1)
    return Flow(
        [
            first,
            second,
            jobs.add(second.output, 1),
            jobs.with_default(first.output),
            jobs.add(5, 5),
        ]
    )


def failing_detour():
    first = jobs.fail_inside(3)
    return Flow([first, jobs.add(first.output, 1)])


def failing_replacement():
    first = jobs.replace_by_failure(3)
    second = jobs.add(first.output, 1)
    return Flow([first, second, jobs.with_default(second.output)])


def missing_key():
    made = jobs.compute(1, 2)
    return Flow([made, jobs.add(made.output["product"], 1), jobs.add(made.output["sum"], 1)])


def fan_in():
    parts = [jobs.add(i, i) for i in range(40)]
    return Flow([*parts, jobs.total([part.output for part in parts])])


def plain_functions():
    first = Job(jobs.trivial, function_args=({"x": [1.5, None, "y"]},), name="plain")
    return Flow([first, Job(jobs.trivial, function_kwargs={"value": first.output["x"][0]})])


def current_job():
    first = jobs.hosts_of_current(1)
    return Flow([first, jobs.hosts_of_current(first.output["name"])])


FLOWS = [
    fibonacci,
    fibonacci_detour,
    fibonacci_replace,
    map_and_reduce,
    list_and_dict_of_jobs,
    linear_order,
    nested_flows,
    parts_of_outputs,
    output_schema,
    makers,
    stopping_children,
    failing,
    failing_detour,
    failing_replacement,
    missing_key,
    fan_in,
    plain_functions,
    current_job,
]


def expected(flow):
    """Run it with jobflow; return name, index and resolved output of what was completed."""
    store = JobStore(MemoryStore())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_locally(flow, log=False, store=store)
    return Counter(
        (doc["name"], doc["index"], text_of(store, doc["uuid"]), str(doc["metadata"]))
        for doc in store.query()
    )


def obtained(database, campaign):
    completed = database.jobs(campaign, ["COMPLETED"])
    documents = database.outputs_of(job.uuid for job in completed)
    store = JobOutputs(documents)
    return Counter(
        (job.name, job.index, text_of(store, job.uuid), str(documents[job.uuid]["metadata"]))
        for job in completed
    )


def text_of(store, uuid):
    from monty.json import MontyEncoder

    try:
        found = store.get_output(uuid)
    except ValueError:
        return "not to be resolved"
    return json.dumps(found, cls=MontyEncoder, sort_keys=True)


@pytest.mark.parametrize("make", FLOWS, ids=lambda f: f.__name__)
def test_same_outputs_as_run_locally(make, pool, run, database, campaign):
    flow = make()
    summary = run(flow, executor=pool)
    mine = obtained(database, campaign)
    # jobflow changes the jobs that it runs: it comes second
    theirs = expected(flow)
    assert mine == theirs
    assert mine
    assert not summary.interrupted
    assert set(summary.counts) <= {"COMPLETED", "FAILED"}


def test_stop_jobflow_lets_nothing_start(pool, run, database, campaign):
    first = jobs.stop_everything(1)
    flow = Flow([first, jobs.add(first.output, 1)])
    summary = run(flow, executor=pool)
    assert obtained(database, campaign) == expected(flow)
    assert [f.reason for f in summary.failed] == ["not run: stopped by stop_everything"]


def test_children_of_a_stopping_job_say_why(pool, run):
    summary = run(stopping_children(), executor=pool)
    assert {f.reason for f in summary.failed} == {"not run: stopped by stop_children"}
    assert len(summary.failed) == 2
    assert summary.counts == {"COMPLETED": 2, "FAILED": 2}


def test_generated_jobs_carry_hosts_and_index(pool, run, database, campaign):
    flow = fibonacci_replace()
    run(flow, executor=pool)
    first = flow.jobs[0].uuid
    found = [job for job in database.jobs(campaign) if job.uuid == first]
    assert [job.index for job in found] == list(range(1, len(found) + 1))
    assert [job.generated_by for job in found][1] == f"{first}:1:replace"
    document = database.outputs_of([first])[first]
    assert document["index"] == len(found)
    assert flow.uuid in document["hosts"]


def test_external_references_are_refused(pool, run):
    with pytest.raises(ValueError, match="refers to jobs that are not in it"):
        run(Flow([jobs.add(jobs.add(1, 2).output, 3)]), executor=pool)


def test_a_circle_is_refused(run):
    one, two = jobs.add(1, 2), jobs.add(3, 4)
    one.function_args = (two.output, 1)
    two.function_args = (one.output, 1)
    with pytest.raises(ValueError, match="circle: add -> add"):
        run(Flow([one, two]))
