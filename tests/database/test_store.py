"""The maggma store on SQL, with jobflow itself."""

import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import pytest
from jobflow import Flow, JobStore, Response, job, run_locally
from maggma.core.store import StoreError
from maggma.stores import MemoryStore

from mgscreen.database.store import SqlStore


@job
def add(a, b):
    return {"value": a + b}


@job
def total(values):
    return sum(values)


@job
def grow(n):
    if n == 0:
        return Response(output="done", replace=add(20, 22))
    return Response(output=n, addition=add(n, n))


@pytest.fixture
def store(database_address):
    with SqlStore(database_address) as opened:
        yield opened


def docs(n, **more):
    return [
        {"uuid": f"u{i:03d}", "index": 1 + i % 2, "name": f"n{i % 3}", "output": {"x": i}, **more}
        for i in range(n)
    ]


def test_a_flow_with_references_fan_in_and_generated_jobs(database_address):
    parts = [add(i, 1) for i in range(12)]
    collected = total([p.output["value"] for p in parts])
    last = add(collected.output, 1)
    flow = Flow([*parts, collected, last, grow(0), grow(3)])
    store = JobStore(SqlStore(database_address))
    responses = run_locally(flow, store=store, log=False, ensure_success=True)
    assert responses[last.uuid][1].output == {"value": sum(range(1, 13)) + 1}
    store.close()
    # another process, another day
    again = JobStore(SqlStore(database_address))
    again.connect()
    assert again.get_output(last.uuid) == {"value": sum(range(1, 13)) + 1}
    assert again.count() == 12 + 2 + 2 + 2
    assert again.get_output(collected.uuid, which="all") == [sum(range(1, 13))]
    outputs = again.docs_store.outputs_of([p.uuid for p in parts])
    assert sorted(d["output"]["value"] for d in outputs.values()) == list(range(1, 13))
    again.close()


CRITERIA = [
    {},
    {"uuid": "u003"},
    {"uuid": {"$in": ["u001", "u004", "none"]}},
    {"uuid": {"$nin": ["u001"]}, "index": 1},
    {"index": {"$gt": 1}},
    {"index": {"$lte": 1}, "name": {"$ne": "n0"}},
    {"output.x": {"$gte": 4}},
    {"uuid": {"$regex": "^u00[0-4]$"}, "output.x": 2},
    {"$or": [{"name": "n1"}, {"output.x": 3}]},
    {"output.x": {"$exists": True}, "missing": None},
    {"uuid": {"$in": ["u001", "u002"]}, "$and": [{"output.x": {"$lt": 2}}]},
    {"index": {"$gt": 0, "$lt": 2}},
    {"index": "1"},
]


@pytest.mark.parametrize("criteria", CRITERIA, ids=str)
@pytest.mark.parametrize("sort", [None, {"index": -1, "uuid": 1}, {"output.x": -1}], ids=str)
def test_answers_as_the_memory_store_does(store, criteria, sort):
    rows = docs(9)
    memory = MemoryStore(key="uuid")
    memory.connect()
    memory.update([dict(r) for r in rows], key=["uuid", "index"])
    store.update(rows, key=["uuid", "index"])

    def answer(where, **more):
        found = [{k: v for k, v in d.items() if k != "_id"} for d in where.query(criteria, **more)]
        return found if sort else sorted(found, key=lambda d: d["uuid"])

    assert answer(store, sort=sort) == answer(memory, sort=sort)
    assert store.count(criteria) == memory.count(criteria)
    if sort:
        window = {"sort": sort, "skip": 1, "limit": 2}
        assert answer(store, **window) == answer(memory, **window)
    assert sorted(store.distinct("name", criteria)) == sorted(memory.distinct("name", criteria))
    store.remove_docs(criteria)
    memory.remove_docs(criteria)
    assert store.count() == memory.count()


def test_projection_groups_and_keys(store):
    store.update(docs(6))
    assert list(store.query({"uuid": "u002"}, ["output.x"])) == [{"output": {"x": 2}}]
    assert "output" not in store.query_one({"uuid": "u002"}, {"output": 0})
    groups = {g["name"]: len(d) for g, d in store.groupby("name")}
    assert groups == {"n0": 2, "n1": 2, "n2": 2}
    # by its own key, an update replaces every index of a uuid
    store.update({"uuid": "u002", "index": 7, "output": "new"})
    assert [d["index"] for d in store.query({"uuid": "u002"})] == [7]
    # by another field
    store.update({"uuid": "z", "index": 1, "name": "n1"}, key="name")
    assert [d["uuid"] for d in store.query({"name": "n1"})] == ["z"]
    with pytest.raises(StoreError):
        store.update({"index": 1})


def test_dates_survive_and_last_updated_is_the_newest(store):
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store.update({"uuid": "a", "index": 1, "completed_at": "2026-05-01T00:00:00", "when": moment})
    store.update({"uuid": "b", "index": 1, "completed_at": "2026-04-01T00:00:00"})
    assert store.query_one({"uuid": "a"})["when"].replace(tzinfo=UTC) == moment
    assert store.last_updated == datetime(2026, 5, 1)  # noqa: DTZ001 - maggma drops the zone


def test_numbers_and_texts_that_json_lacks_do_not_break_a_document(store):
    store.update({"uuid": "a", "index": 1, "output": [float("nan"), "a\x00b", "\udce9", 1.5]})
    assert store.query_one({"uuid": "a"})["output"] == [None, "a\ufffdb", "\ufffd", 1.5]


def test_a_list_of_any_length_can_be_asked_for(store):
    store.update(docs(3))
    many = [f"x{i}" for i in range(40_000)] + ["u001"]
    assert [d["uuid"] for d in store.query({"uuid": {"$in": many}})] == ["u001"]
    assert set(store.outputs_of(many)) == {"u001"}


def test_a_closed_store_says_so_and_a_copy_connects_to_the_same_database(store, database_address):
    from monty.json import MontyDecoder

    copy = MontyDecoder().process_decoded(store.as_dict())
    assert copy == store
    assert copy != SqlStore(database_address + "x")
    with pytest.raises(StoreError, match="connect"):
        copy.count()


WRITER = """
    import sys
    from mgscreen.database.store import SqlStore
    address, who = sys.argv[1:]
    with SqlStore(address) as store:
        for i in range(50):
            store.update({"uuid": f"{who}-{i}", "index": 1, "output": {"i": i}},
                         key=["uuid", "index"])
"""


def test_four_processes_write_into_a_fresh_database_and_lose_nothing(database_address):
    code = textwrap.dedent(WRITER)
    writers = [
        subprocess.Popen([sys.executable, "-c", code, database_address, str(who)])
        for who in range(4)
    ]
    assert [w.wait(120) for w in writers] == [0, 0, 0, 0]
    with SqlStore(database_address) as store:
        assert store.count() == 200
