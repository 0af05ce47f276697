"""The driver: what it takes over, what it tries again, what it says about failures."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter

import jobs_for_tests as jobs
from campaign_for_tests import make_campaign
from jobflow import Flow, Job
from rich.console import Console

from mgscreen.core.runtime import Runtime
from mgscreen.execution.driver import is_finished, resume, run_flow, summary_of
from mgscreen.execution.limits import Limits
from mgscreen.execution.progress import show
from mgscreen.execution.states import TRANSITIONS, State


def answer(folder, name, value, seconds=0.0, **metadata):
    labels = {"kind": "orbitals", "candidate": name, "form": "ion", **metadata}
    return Job(
        jobs.answer,
        function_kwargs={"folder": str(folder), "name": name, "value": value, "seconds": seconds},
        name=f"answer {name}",
        metadata=labels,
    )


def starts(folder):
    return Counter(p.name.split("-")[1] for p in folder.iterdir() if p.name.startswith("start-"))


def states(database, campaign):
    return {job.name: (job.state, job.reason) for job in database.jobs(campaign)}


def test_finished_calculations_are_taken_over(pool, run, database, campaign, tmp_path):
    first = run(Flow([answer(tmp_path, "x", 2.0)]), executor=pool)
    assert (first.computed, first.cached) == (1, 0)
    # another flow, with other uuids, that asks for the same and for more
    again = answer(tmp_path, "x", 2.0, candidate="y")
    more = Job(jobs.combine, function_args=(str(tmp_path), [again.output]), name="sum")
    second = run(Flow([again, more]), executor=pool)
    assert (second.computed, second.cached) == (1, 1)
    assert starts(tmp_path) == {"x": 1, "combine": 1}
    # a child receives the stored document as the same class
    assert database.outputs_of([more.uuid])[more.uuid]["output"]["value"] == 2.0
    frame = database.frame_properties()
    assert set(zip(frame["candidate"], frame["value"], strict=True)) >= {("x", 2.0), ("y", 2.0)}
    assert [job.cached for job in database.jobs(campaign)] == [True, False]


def test_the_same_calculation_is_never_started_twice_at_once(pool, run, tmp_path):
    flow = Flow([answer(tmp_path, "x", 2.0, 0.2, candidate=f"c{i}") for i in range(5)])
    summary = run(flow, executor=pool)
    assert starts(tmp_path) == {"x": 1}
    assert (summary.computed, summary.cached) == (1, 4)


def test_failed_calculation_is_a_result(pool, run, database, campaign, tmp_path):
    bad = answer(tmp_path, "bad", -1.0)
    good = answer(tmp_path, "good", 1.0)
    both = [bad.output, good.output]
    strict = Job(jobs.combine, function_args=(str(tmp_path), both), name="strict")
    tolerant = Job(
        jobs.combine,
        function_args=(str(tmp_path), both),
        name="tolerant",
        metadata={"accepts_failed": True},
    )
    last = Job(jobs.trivial, function_args=(strict.output.value,), name="last")
    summary = run(Flow([bad, good, strict, tolerant, last]), executor=pool)
    found = states(database, campaign)
    assert found["answer bad"] == ("FAILED", "no convergence at -1.0")
    reason = "not run: answer bad failed (no convergence at -1.0)"
    assert found["strict"] == found["last"] == ("FAILED", reason)
    assert found["tolerant"][0] == "COMPLETED"
    output = database.outputs_of([tolerant.uuid])[tolerant.uuid]["output"]
    assert (output["value"], output["level"]) == (1.0, "1 of 2")
    assert [f.not_run for f in summary.failed] == [False, True, True]
    assert not summary.ok
    frame = database.frame_properties(candidates=["bad"])
    assert frame["value"].isna().all()
    assert set(frame["reason"]) == {"no convergence at -1.0"}
    # its reason is known: it is not computed again unless somebody asks
    assert run(Flow([answer(tmp_path, "bad", -1.0)]), executor=pool).cached == 1
    assert starts(tmp_path)["bad"] == 1
    summary = run(Flow([answer(tmp_path, "bad", -1.0)]), executor=pool, retry=True)
    assert (summary.computed, summary.cached) == (1, 0)
    assert starts(tmp_path)["bad"] == 2


def test_part_of_an_output_that_exists_although_the_parent_failed(pool, run, database, tmp_path):
    bad = answer(tmp_path, "bad", -1.0)
    child = Job(
        jobs.trivial,
        function_args=({"reason": bad.output.reason, "missing": bad.output.structure},),
        name="child",
        metadata={"accepts_failed": True},
    )
    run(Flow([bad, child]), executor=pool)
    output = database.outputs_of([child.uuid])[child.uuid]["output"]
    assert output == {"reason": "no convergence at -1.0", "missing": None}


def test_defect_in_a_job(pool, run, database, campaign, tmp_path):
    broken = Job(
        jobs.broken,
        function_args=(1.0,),
        name="orbitals [Mg/X]+",
        metadata={"kind": "orbitals", "candidate": "X", "form": "ion"},
    )
    child = Job(jobs.trivial, function_args=(broken.output.value,), name="child")
    other = answer(tmp_path, "good", 1.0)
    run(Flow([broken, child, other]), executor=pool)
    found = states(database, campaign)
    assert found["orbitals [Mg/X]+"] == ("FAILED", "ZeroDivisionError: float division by zero")
    assert found["child"][1].startswith("not run: orbitals [Mg/X]+ failed (ZeroDivisionError")
    assert found["answer good"][0] == "COMPLETED"
    logs = [p for p in (tmp_path / "logs").iterdir() if p.name != "workers.log"]
    assert [p.name.startswith("orbitals_Mg_X_+-") for p in logs] == [True]
    assert "value / 0" in logs[0].read_text()
    frame = database.frame_properties(candidates=["X"])
    assert set(frame["state"]) == {"failed"}
    # mended, somebody retries: all that failed runs again
    summary = resume(database, campaign, retry=True, executor=pool, modules=["jobs_for_tests"])
    assert (summary.computed, summary.cached) == (1, 0)


def test_lost_worker_is_retried_within_the_limit(run, database, campaign, tmp_path):
    once = Job(jobs.die_once, function_args=(str(tmp_path),), name="once")
    always = Job(jobs.die, name="always")
    events = []
    summary = run(Flow([once, always]), limits=Limits(retries=2), on_event=events.append)
    found = {job.name: job for job in database.jobs(campaign)}
    assert found["once"].state == "COMPLETED"
    assert found["once"].attempts == 2
    assert found["always"].state == "FAILED"
    assert found["always"].attempts == 3
    assert found["always"].reason.startswith("lost after 3 attempts: worker process ")
    assert found["always"].reason.endswith("ended with exit code 3")
    assert summary.lost == 4
    assert Counter(e.kind for e in events)["lost"] == 4


def test_memory_limit_is_reported_and_not_retried(run, database, campaign):
    flow = Flow(
        [
            Job(jobs.eat, function_args=(900,), name="eats"),
            Job(jobs.trivial, function_args=(1,), name="good"),
        ]
    )
    run(flow, limits=Limits(memory_mb=512, retries=3))
    found = {job.name: job for job in database.jobs(campaign)}
    assert found["eats"].state == "FAILED"
    assert found["eats"].reason.startswith("memory limit of 0.5 GB exceeded (peak 0.")
    assert found["eats"].peak_memory_mb > 512
    assert found["good"].state == "COMPLETED"
    assert {job.attempts for job in found.values()} == {1}


def test_walltime_is_reported_and_not_retried(run, database, campaign):
    flow = Flow([Job(jobs.sleep, function_args=(60,), name="sleeps")])
    run(flow, limits=Limits(walltime_s=1.5, retries=3))
    job = database.jobs(campaign)[0]
    assert (job.state, job.reason, job.attempts) == ("FAILED", "walltime of 1.5 s exceeded", 1)


def test_usage_is_recorded(pool, run, database, campaign):
    summary = run(Flow([Job(jobs.sleep, function_args=(0.2,), name="sleeps")]), executor=pool)
    job = database.jobs(campaign)[0]
    assert 0.2 <= job.wall_s < 2.0
    assert job.submitted_at <= job.started_at <= job.finished_at
    assert 20 < job.peak_memory_mb < 1000
    assert summary.wall_s > 0.2
    assert summary.peak_memory_mb > job.peak_memory_mb


def test_a_second_run_of_a_finished_campaign_starts_nothing(run, database, campaign, pool):
    flow = Flow([jobs.add(1, 2)])
    assert not is_finished(database, campaign)
    run(flow, executor=pool)
    assert is_finished(database, campaign)
    begin = time.monotonic()
    again = run(flow)
    assert time.monotonic() - begin < 1.0
    assert (again.computed, again.cached, again.counts) == (0, 0, {"COMPLETED": 1})
    assert again.ok
    assert summary_of(database, campaign).counts == again.counts


def test_another_flow_replaces_the_jobs_of_a_campaign(run, database, campaign, pool):
    run(Flow([jobs.add(1, 2), jobs.add(3, 4)]), executor=pool)
    run(Flow([jobs.make_list(1, 2)]), executor=pool)
    assert [job.name for job in database.jobs(campaign)] == ["make_list"]
    assert database.count("outputs") == 1


def test_costly_ways_go_first(run, pool):
    """The long chain starts before cheap jobs that came earlier in the flow."""
    cheap = [
        Job(jobs.trivial, function_args=(i,), name=f"cheap {i}", metadata={"cost_s": 1.0})
        for i in range(20)
    ]
    first = Job(jobs.trivial, function_args=(0,), name="first", metadata={"cost_s": 0.5})
    last = Job(jobs.trivial, function_args=(first.output,), name="last", metadata={"cost_s": 100.0})
    order = []
    run(
        Flow([*cheap, first, last]),
        executor=pool,
        on_event=lambda e: order.append(e.job.name) if e.kind == "started" else None,
    )
    assert order[0] == "first"
    assert order.index("last") < 10


def test_jobs_of_other_modules_are_refused(run, database, campaign, pool):
    run(Flow([jobs.add(1, 2)]), executor=pool, modules=())
    job = database.jobs(campaign)[0]
    assert job.state == "FAILED"
    assert "'jobs_for_tests.add' is not allowed in a job" in job.reason


def test_any_executor_will_do(run, database, campaign):
    from concurrent.futures import ThreadPoolExecutor

    first = jobs.add(1, 2)
    with ThreadPoolExecutor(1) as executor:
        summary = run(Flow([first, jobs.add(first.output, 1)]), executor=executor, workers=1)
    assert summary.ok
    assert len(database.jobs(campaign)) == 2


def test_runtime_reaches_the_job(run, database, tmp_path, pool):
    job = Job(jobs.where, name="where")
    run(
        Flow([job]),
        executor=pool,
        runtime=Runtime(scratch=tmp_path / "s", threads=2, memory_mb=1234),
    )
    output = database.outputs_of([job.uuid])[job.uuid]["output"]
    assert output == {"scratch": str(tmp_path / "s"), "threads": 2, "memory_mb": 1234}


def test_sigint_in_this_process(run, database, campaign):
    """The handler that was there before comes back, and the summary says that it was stopped."""
    before = signal.getsignal(signal.SIGINT)
    flow = Flow([Job(jobs.sleep, function_args=(30,), name=f"sleeps {i}") for i in range(4)])

    def interrupt(event):
        if event.kind == "started" and not sent:
            sent.append(event)
            threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()

    sent = []
    begin = time.monotonic()
    summary = run(flow, on_event=interrupt)
    assert time.monotonic() - begin < 20
    assert summary.interrupted
    assert not summary.ok
    assert signal.getsignal(signal.SIGINT) is before
    assert {job.state for job in database.jobs(campaign)} == {"READY"}


def test_run_in_a_thread(database, campaign, pool):
    """Without signal handlers, which Python allows in the main thread alone."""
    found = []
    flow = Flow([jobs.add(1, 2)])

    def work():
        found.append(
            run_flow(flow, database, campaign, workers=1, executor=pool, modules=["jobs_for_tests"])
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert found[0].ok


def test_several_campaigns_in_one_database(database, pool):
    ids = [make_campaign(database, name) for name in ("one", "two")]
    for campaign in ids:
        run_flow(
            Flow([jobs.add(1, 2)]),
            database,
            campaign,
            workers=1,
            executor=pool,
            modules=["jobs_for_tests"],
        )
    assert [len(database.jobs(campaign)) for campaign in ids] == [1, 1]


def test_plain_progress_is_one_line_for_each_finished_job(run, pool, tmp_path):
    bad = answer(tmp_path, "b[bold]ad", -1.0)
    flow = Flow(
        [
            answer(tmp_path, "good", 1.0),
            bad,
            Job(jobs.trivial, function_args=(bad.output.value,), name="child"),
        ]
    )
    text = io.StringIO()
    with show(Console(file=text, width=200)) as on_event:
        run(flow, executor=pool, on_event=on_event)
    lines = text.getvalue().splitlines()
    assert len(lines) == 3
    assert any("answer good: done in " in line for line in lines)
    assert any("answer b[bold]ad: failed: no convergence at -1.0" in line for line in lines)
    assert any("child: failed: not run: answer b[bold]ad failed" in line for line in lines)
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]


def test_live_progress_on_a_terminal(run, pool, tmp_path):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    with show(console) as on_event:
        run(
            Flow(
                [answer(tmp_path, f"{i}", float(i), 0.7) for i in range(3)]
                + [answer(tmp_path, "bad", -1.0)]
            ),
            executor=pool,
            on_event=on_event,
        )
    found = text.getvalue()
    assert "answer 0" in found
    assert "running 2" in found
    assert "left" in found
    assert "answer bad: failed: no convergence" in found


def test_memory_does_not_grow_with_finished_jobs(run, pool):
    """What is kept of a job is its place in the graph."""
    flow = Flow([Job(jobs.trivial, function_args=("x" * 20_000,)) for _ in range(300)])
    peak = {}

    def watch(event):
        if event.kind == "finished" and event.progress.done in {100, 300}:
            peak[event.progress.done] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        run(flow, executor=pool, on_event=watch)
    finally:
        tracemalloc.stop()
    assert peak[300] - peak[100] < 1_000_000


def test_transitions_are_closed():
    assert set(TRANSITIONS) == set(State)
    assert TRANSITIONS[State.COMPLETED] == frozenset()
    assert all(State.COMPLETED not in TRANSITIONS[s] for s in (State.WAITING, State.LOST))


def test_driver_does_not_import_jobflow_to_see_that_all_is_done():
    code = (
        "import sys; from mgscreen.execution.driver import is_finished, resume;"
        "sys.exit('jobflow' in sys.modules or 'pymatgen' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
