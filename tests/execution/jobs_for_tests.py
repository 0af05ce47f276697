"""Jobs that the tests run in real worker processes; importable there by name."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from jobflow import CURRENT_JOB, Flow, Job, JobConfig, Maker, OnMissing, Response, job
from pydantic import BaseModel

from mgscreen.calculations.base import calculation
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime


class Total(BaseModel):
    total: int
    parts: list[int] = []

    @property
    def doubled(self) -> int:
        return 2 * self.total


@job
def add(a, b=0):
    return a + b


@job
def total(numbers):
    return sum(numbers)


@job(output_schema=Total)
def total_document(numbers):
    return {"total": sum(numbers), "parts": list(numbers)}


@job(output_schema=Total)
def wrong_document(numbers):
    return {"sum": sum(numbers)}


@job
def compute(a, b):
    return {"sum": a + b, "inner": {"product": [a * b]}}


@job
def fibonacci(smaller, larger, stop_point=100):
    """jobflow's tutorial of dynamic workflows."""
    result = smaller + larger
    if result > stop_point:
        return result
    return Response(output=result, addition=fibonacci(larger, result, stop_point))


@job
def fibonacci_detour(smaller, larger, stop_point=100):
    result = smaller + larger
    if result > stop_point:
        return result
    return Response(output=result, detour=fibonacci_detour(larger, result, stop_point))


@job
def fibonacci_replace(smaller, larger, stop_point=100):
    result = smaller + larger
    if result > stop_point:
        return result
    return Response(replace=fibonacci_replace(larger, result, stop_point))


@job
def make_list(a, length):
    return [a] * length


@job
def add_distributed(numbers):
    """jobflow's tutorial: one job for each element of a list."""
    jobs = [add(number, 1) for number in numbers]
    return Response(replace=Flow(jobs, [one.output for one in jobs]))


@job
def many(n):
    return [add(i, 1) for i in range(n)]


@job
def many_by_name(n):
    return {f"n{i}": add(i, 1) for i in range(n)}


@job
def stop_children(value):
    return Response(output=value, stop_children=True)


@job
def stop_everything(value):
    return Response(output=value, stop_jobflow=True)


@job
def fail(message="no reason"):
    raise ValueError(message)


@job
def fail_inside(value):
    """A detour that fails."""
    return Response(output=value, detour=fail("inside"))


@job
def replace_by_failure(value):
    return Response(replace=fail(f"in place of {value}"))


@job(config=JobConfig(on_missing_references=OnMissing.NONE))
def with_default(value):
    return -1 if value is None else value


def tolerant(value):
    return value


@job
def hosts_of_current(value):
    return {"value": value, "name": CURRENT_JOB.job.name, "index": CURRENT_JOB.job.index}


@dataclass
class AddMaker(Maker):
    name: str = "adder"
    step: int = 1

    @job
    def make(self, a):
        return a + self.step


@dataclass
class DoubleMaker(Maker):
    name: str = "double"
    inner: AddMaker = None

    def make(self, a):
        first = (self.inner or AddMaker()).make(a)
        second = AddMaker(step=10).make(first.output)
        return Flow([first, second], output=second.output, name=self.name)


@job
def use_maker(a, maker):
    return Response(replace=maker.make(a))


# jobs that leave traces, for counting


def _trace(folder, name):
    # from the environment where it must not enter an identity
    path = Path(folder or os.environ["TRACES"]) / f"{name}-{os.getpid()}-{time.time_ns()}"
    path.touch()


def counted(folder, name, value=0, seconds=0.0):
    """Leave a file when it starts and one when it ends."""
    _trace(folder, f"start-{name}")
    time.sleep(seconds)
    _trace(folder, f"end-{name}")
    return value + 1


def counted_sum(folder, name, values, seconds=0.0):
    _trace(folder, f"start-{name}")
    time.sleep(seconds)
    _trace(folder, f"end-{name}")
    return sum(values)


def counted_fan(folder, name, n, seconds=0.0):
    """Generate jobs at run time."""
    _trace(folder, f"start-{name}")
    time.sleep(seconds)
    jobs = [
        Job(counted, function_args=(folder, f"{name}.{i}", i, seconds), name=f"{name}.{i}")
        for i in range(n)
    ]
    _trace(folder, f"end-{name}")
    return Response(replace=Flow(jobs, output=[one.output for one in jobs]))


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def sleep_with_child(seconds, folder):
    """Start a process of its own and wait."""
    import subprocess

    child = subprocess.Popen(["sleep", str(seconds)])
    (Path(folder) / "child.pid").write_text(str(child.pid))
    child.wait()


def eat(megabytes):
    """Take memory, 10 MB at a time."""
    held = []
    for _ in range(megabytes // 10):
        held.append(bytearray(10 * 1024**2))
        time.sleep(0.005)
    time.sleep(5.0)
    return len(held)


def die_once(folder):
    """End the worker at the first call, return at the second."""
    mark = Path(folder) / "died"
    if mark.exists():
        return "second time"
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def boom(message):
    raise ValueError(message)


def die(code=3):
    os._exit(code)


def environment():
    return {
        "threads": os.environ["OMP_NUM_THREADS"],
        "pid": os.getpid(),
        "tmp": os.environ["TMPDIR"],
    }


def where():
    found = runtime()
    return {
        "scratch": str(found.scratch),
        "threads": found.threads,
        "memory_mb": found.memory_mb,
    }


def trivial(value):
    return value


# calculations, with an identity


class Answer(Document):
    value: float | None = None

    def properties(self):
        return [PropertyValue(property="homo", value=self.value, unit="eV")]


@calculation("orbitals", Answer)
def answer(folder, name, value, seconds=0.0):
    """Leave a trace, then give the value; negative values do not converge."""
    _trace(folder, f"start-{name}")
    time.sleep(seconds)
    _trace(folder, f"end-{name}")
    if value < 0:
        raise ScientificFailureError(f"no convergence at {value}")
    return Answer(value=value, level="test")


@calculation("binding", Answer)
def combine(folder, parts):
    """Add up answers; the identity follows from those of the parts."""
    _trace(folder, "start-combine")
    known = [part.value for part in parts if part is not None and part.value is not None]
    return Answer(value=sum(known), level=f"{len(known)} of {len(parts)}")


@calculation("orbitals", Answer)
def broken(value):
    """A defect, not a failure of the science."""
    return Answer(value=value / 0)


def small_campaign(seconds):
    """About 30 jobs with fixed uuids: chains, a fan-in, jobs generated at run time, failures."""
    made, folder = [], ""

    def new(name, function, *args, **metadata):
        uuid = str(uuid5(NAMESPACE_URL, name))
        one = Job(function, function_args=args, name=name, uuid=uuid, metadata=metadata)
        made.append(one)
        return one

    ends = []
    for i in range(7):
        label = {"candidate": f"c{i}", "form": "ion", "kind": "orbitals", "cost_s": seconds}
        first = new(f"a{i}", answer, folder, f"a{i}", float(i), seconds, **label)
        last = new(f"b{i}", counted, folder, f"b{i}", first.output.value, seconds)
        ends.append(last)
    new("sum", counted_sum, folder, "sum", [e.output for e in ends], seconds)
    spread = new("fan", counted_fan, folder, "fan", 6, seconds)
    new("total", counted_sum, folder, "total", spread.output, seconds)
    bad = new("bad", answer, folder, "bad", -1.0, seconds, candidate="bad", form="ion")
    new("child of bad", counted, folder, "never", bad.output.value)
    error = new("error", boom, "on purpose")
    new("child of error", counted, folder, "never", error.output)
    twin = {"candidate": "twin", "form": "ion", "kind": "orbitals"}
    new("twin of a0", answer, folder, "a0", 0.0, seconds, **twin)
    return Flow(made)


def resident_after(mb):
    """Allocate in pieces of 1 MB and free them; return what is resident before, and with them."""
    import numpy as np
    import psutil

    process = psutil.Process()
    before = process.memory_info().rss
    pieces = [np.ones(2**17) for _ in range(mb)]
    held = process.memory_info().rss
    del pieces
    return {"before": before / 2**20, "held": held / 2**20}
