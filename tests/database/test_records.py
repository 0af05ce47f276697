"""What a finished job leaves in the database, and what a kill or a repetition changes of it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mgscreen.campaign.models import Campaign
from mgscreen.core.documents import PropertyValue
from mgscreen.core.errors import InputError
from mgscreen.core.properties import PROPERTIES, properties_of
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef

LEVEL = "pyscf:b3lyp/6-31g(d)"
ION = JobRef(
    uuid="u1", name="orbitals", kind="orbitals", candidate="TFSI", form="ion", species="TFSI-",
    level=LEVEL, geometry_level="xtb:gfn2",
)  # fmt: skip
PAIR = JobRef(
    uuid="u2", name="orbitals", kind="orbitals", candidate="TFSI", form="contact-ion-pair",
    species="[MgTFSI]+", level=LEVEL, geometry_level="xtb:gfn2",
)  # fmt: skip


def campaign(name="laptop", **values):
    return Campaign.model_validate({"name": name, "candidates": {"library": ["TFSI"]}, **values})


def candidate(name, **values):
    given_ = {"description": "", "smiles": "", "formula": "", "charge": -1, "multiplicity": 1}
    rest = {"kind": "anion", "role_hypothesis": "", "why": "", "source": "", "is_host": False}
    return SimpleNamespace(name=name, **{**given_, **rest, **values})


def row(job, **values):
    keys = ("uuid", "index", "name", "kind", "candidate", "form", "species", "level")
    return {**{k: getattr(job, k) for k in keys}, "geometry_level": job.geometry_level, **values}


@pytest.fixture
def database(database_address):
    with Database(database_address) as opened:
        yield opened


@pytest.fixture
def campaign_id(database):
    identity = database.register_campaign(campaign(), "text", "laptop.toml", [candidate("TFSI")])
    jobs = [row(ION, payload={"n": 1}), row(PAIR, parents=["u1"], cost_s=24.0)]
    database.add_jobs(identity, jobs)
    return identity


def output(value):
    return {"output": value, "name": "orbitals", "metadata": {}, "hosts": []}


def everything(database):
    """All rows but times."""
    with database.reading() as connection:
        from mgscreen.database.schema import Base

        found = {}
        for table in Base.metadata.sorted_tables:
            columns = [c for c in table.columns if not c.name.endswith("_at") and c.name != "id"]
            rows = connection.execute(table.select().with_only_columns(*columns)).all()
            found[table.name] = Counter(repr(r) for r in rows)
        return found


def test_a_campaign_is_registered_once_and_its_jobs_go_when_it_asks_for_something_else(
    database, campaign_id, levels
):
    database.record(ION, levels(), output({"homo_ev": -3.56}), "COMPLETED")
    same = campaign(execution={"workers": 7})
    again = database.register_campaign(same, "other text", "b.toml", [candidate("TFSI")])
    assert again == campaign_id
    assert len(database.jobs(campaign_id)) == 2
    assert database.campaign_source("laptop") == ("other text", "b.toml")

    other = campaign(candidates={"library": ["TFSI", "PFTB"]})
    new = [candidate("TFSI"), candidate("PFTB", is_host=True)]
    assert database.register_campaign(other, "t", "b.toml", new) == campaign_id
    assert database.jobs(campaign_id) == []
    assert database.outputs_of(["u1"]) == {}
    # results stay
    assert database.find_calculation("h1")["state"] == "completed"
    assert len(database.frame_properties(candidates=["TFSI"])) == 2
    assert database.frame_candidates("laptop")["is_host"].tolist() == [False, True]
    assert [c["name"] for c in database.campaigns()] == ["laptop"]


def test_a_campaign_is_found_by_name_id_or_alone(database, campaign_id):
    assert database.campaign_id() == database.campaign_id("laptop") == campaign_id
    database.register_campaign(campaign("second"), "", "", [])
    for name in (None, "third"):
        with pytest.raises(InputError, match="laptop, second"):
            database.campaign_id(name)


def test_jobs_come_back_in_order_and_keep_their_state(database, campaign_id):
    first, second = database.jobs(campaign_id)
    assert (first.uuid, second.uuid, second.parents, second.cost_s) == ("u1", "u2", ["u1"], 24.0)
    assert (first.method, first.state) == (f"{LEVEL}//xtb:gfn2", "WAITING")
    assert database.payloads(["u1", "none"]) == {("u1", 1): {"n": 1}}
    database.set_job_state("u1", 1, "RUNNING", attempts=1)
    database.add_jobs(campaign_id, [row(ION), row(PAIR)])
    assert database.count_states(campaign_id) == {"RUNNING": 1, "WAITING": 1}
    assert [j.uuid for j in database.jobs(campaign_id, ["RUNNING"])] == ["u1"]
    for wrong in ({"state": "DONE"}, {"state": "READY", "uuuid": 1}):
        with pytest.raises(ValueError, match="no"):
            database.set_job_states([{"uuid": "u1", "index": 1, **wrong}])


def test_a_completed_job_leaves_all_its_rows_at_once(database, campaign_id, levels):
    job = database.jobs(campaign_id)[0]
    database.record(job, levels(), output({"homo_ev": -3.56}), "COMPLETED", wall_s=2.5)
    job = database.jobs(campaign_id)[0]
    assert (job.state, job.calculation, job.wall_s) == ("COMPLETED", "h1", 2.5)
    frame = database.frame_properties(campaign="laptop").set_index("property")
    homo = frame.loc["homo"]
    assert (homo["value"], homo["unit"], homo["species"]) == (-3.56, "eV", "TFSI-")
    assert homo["method"] == f"{LEVEL}//xtb:gfn2"
    assert frame.loc["lumo", "text"] == "unbound"
    found = database.find_calculation("h1")
    assert found["document"]["structure"]["symbols"] == ["O", "H", "H"]
    assert (found["code"], found["structure"] is None) == ("PySCF", False)
    assert database.outputs_of(["u1"])["u1"]["output"] == {"homo_ev": -3.56}
    assert database.count("structures") == 1


def test_recording_twice_changes_nothing(database, campaign_id, levels):
    for job, name in ((ION, "h1"), (PAIR, "h2")):
        database.record(job, levels(name), output(1), "COMPLETED", new_jobs=[row(PAIR, uuid="u3")])
    before = everything(database)
    database.record(ION, levels("h1"), output(1), "COMPLETED", new_jobs=[row(PAIR, uuid="u3")])
    assert everything(database) == before
    assert len(database.jobs(campaign_id)) == 3


def test_a_failure_is_a_row_for_each_property_and_a_success_replaces_it(
    database, campaign_id, levels
):
    failed = levels(state="failed", reason="the SCF did not converge")
    database.record(ION, failed, output(None), "FAILED")
    frame = database.frame_properties(campaign="laptop", state="failed")
    assert sorted(frame["property"]) == sorted(properties_of("orbitals"))
    assert set(frame["reason"]) == {"the SCF did not converge"}
    assert frame["value"].isna().all()
    assert set(frame["environment"]) == {"gas"}
    assert database.jobs(campaign_id)[0].reason == "the SCF did not converge"

    assert database.reset_jobs(campaign_id) == 1
    assert database.outputs_of(["u1"]) == {}
    database.record(ION, levels(), output(1), "COMPLETED")
    frame = database.frame_properties(campaign="laptop")
    assert (sorted(frame["property"]), set(frame["state"])) == (["homo", "lumo"], {"completed"})
    # a lost race does not take a value away
    database.record(ION, failed, None, "COMPLETED")
    frame = database.frame_properties(property="homo")
    assert frame["value"].tolist() == [-3.56]
    assert database.find_calculation("h1")["state"] == "completed"


def test_a_job_that_could_not_run_says_so_until_it_can(database, campaign_id, levels):
    database.record_failures([(ION, "its geometry failed"), (PAIR, "the same")])
    frame = database.frame_properties(campaign="laptop", form="ion")
    assert set(frame["calculation"]) == {"job:u1"}
    assert set(frame["reason"]) == {"its geometry failed"}
    assert database.count_states(campaign_id) == {"FAILED": 2}
    database.reset_jobs(campaign_id)
    assert len(database.frame_properties()) == 0
    database.record(ION, None, None, "FAILED", "worker killed")
    assert set(database.frame_properties()["reason"]) == {"worker killed"}
    database.record(ION, levels(), output(1), "COMPLETED")
    assert set(database.frame_properties()["calculation"]) == {"h1"}


def test_a_value_that_is_not_finite_is_a_failure(database, campaign_id, levels):
    document = levels(rows=[PropertyValue(property="homo", value=float("nan"), unit="eV")])
    database.record(ION, document, output({"homo_ev": float("inf")}), "COMPLETED")
    frame = database.frame_properties()
    assert (frame["state"].tolist(), frame["value"].isna().all()) == (["failed"], True)
    assert database.outputs_of(["u1"])["u1"]["output"] == {"homo_ev": None}
    assert len(database.jobs(campaign_id)) == 2


@pytest.mark.usefixtures("campaign_id")
def test_a_property_twice_is_one_row_that_says_so(database, levels):
    twice = [PropertyValue(property="homo", value=v, unit="eV") for v in (-7.0, -6.0)]
    database.record(ION, levels(rows=twice), output(1), "COMPLETED")
    frame = database.frame_properties(property="homo")
    assert frame["value"].tolist() == [-7.0]
    assert "further values" in frame["reason"].iloc[0]


def test_a_known_calculation_is_taken_over(database, campaign_id, levels):
    database.record(ION, levels(), output(1), "COMPLETED")
    host = JobRef.of("u2", 1, "orbitals", {"candidate": "HOST", "form": "ion", "level": "L"})
    database.take_over(host, "h1")
    database.take_over(host, "h1")
    frame = database.frame_properties(candidates=["HOST"])
    assert frame["value"].tolist() == [-3.56, 4.84]
    assert (set(frame["method"]), set(frame["calculation"])) == ({"L"}, {"h1"})
    job = database.jobs(campaign_id)[1]
    assert (job.state, job.cached, job.calculation) == ("COMPLETED", True, "h1")
    assert database.outputs_of(["u2"])["u2"]["output"]["homo_ev"] == -3.56
    assert database.known_calculations(["h1", "h9"]) == {"h1": "completed"}
    with pytest.raises(KeyError):
        database.take_over(host, "h9")


def test_an_error_inside_a_record_leaves_nothing(database, campaign_id, levels):
    before = everything(database)
    with pytest.raises(ValueError, match="no"):
        database.record(ION, levels(), output(1), "NONSENSE")
    assert everything(database) == before
    assert campaign_id


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
VALUES = st.builds(
    PropertyValue,
    property=st.sampled_from(sorted(PROPERTIES)),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    text=st.none() | TEXTS,
    unit=TEXTS,
    uncertainty=st.none() | st.floats(0, 1e6),
    environment=TEXTS,
    reference=TEXTS,
    reason=TEXTS,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(VALUES, max_size=8, unique_by=lambda v: v.property))
def test_values_come_back_as_they_were(database, levels, values):
    identity = str(uuid.uuid4())
    job = JobRef(uuid=identity, kind="orbitals", candidate=identity, form="ion", level="L")
    document = levels(identity, rows=tuple(values)) if values else levels(identity)
    database.record(job, document, None, "COMPLETED")
    frame = database.frame_properties(candidates=[identity])
    fields = list(PropertyValue.model_fields)
    back = [
        PropertyValue(**{k: None if v != v else v for k, v in r.items() if k in fields})  # noqa: PLR0124 - NaN
        for r in frame.to_dict("records")
    ]
    expected = values or document.properties()
    assert sorted(back, key=repr) == sorted(expected, key=repr)


def test_filters(database, campaign_id, levels):
    database.record(ION, levels("h1"), None, "COMPLETED")
    database.record(PAIR, levels("h2", homo_ev=-13.18), None, "COMPLETED")
    other = JobRef(uuid="u9", kind="orbitals", candidate="DME", form="molecule", level="xtb:gfn2")
    database.record(other, levels("h3"), None, "COMPLETED")

    def count(**chosen):
        return len(database.frame_properties(**chosen))

    assert count() == 6
    assert count(campaign="laptop") == count(campaign=campaign_id) == 4
    assert count(candidates=["TFSI", "DME"], property="homo") == 3
    assert count(property=["homo", "lumo"], form="contact-ion-pair") == 2
    assert count(method="B3LYP") == 4
    assert count(method="%") == count(method="_31g") == 0
    assert count(environment="gas", state="completed") == 6
    assert len(database.frame_calculations()) == 3
    assert database.frame_jobs()["campaign"].tolist() == ["laptop", "laptop"]
    finished = database.frame_jobs("laptop")
    assert str(finished["submitted_at"].dtype) == "datetime64[us, UTC]"
    assert database.query("SELECT count(*) AS n FROM calculations")["n"].tolist() == [3]


WRITER = """
    import sys, time
    from mgscreen.database.database import Database
    from mgscreen.database.jobs import JobRef
    from mgscreen.core.documents import Document, PropertyValue

    class Result(Document):
        kind: str = "orbitals"
        def properties(self):
            return [PropertyValue(property=p, value=1.0, unit="eV") for p in ("homo", "lumo")]

    address, who, count = sys.argv[1:]
    with Database(address) as database:
        for i in range(int(count)):
            job = JobRef(uuid=f"{who}-{i}", name="x", kind="orbitals", candidate=who, form="ion")
            database.add_jobs(1, [{"uuid": job.uuid, "name": "x"}])
            print(i, flush=True)
            database.record(job, Result(input_hash=job.uuid), {"output": "x" * 2000}, "COMPLETED")
"""


def start_writer(address, who, count):
    code = textwrap.dedent(WRITER)
    return subprocess.Popen(
        [sys.executable, "-c", code, address, who, str(count)], stdout=subprocess.PIPE
    )


def test_four_writers_lose_nothing_while_a_reader_reads(database, campaign_id, database_address):
    writers = [start_writer(database_address, f"w{i}", 50) for i in range(4)]
    slowest, stop = [0.0], threading.Event()

    def read():
        with Database(database_address, read_only=True) as reader:
            while not stop.is_set():
                start = time.monotonic()
                reader.count("properties")
                slowest[0] = max(slowest[0], time.monotonic() - start)

    thread = threading.Thread(target=read)
    thread.start()
    for writer in writers:
        writer.communicate(timeout=120)
    stop.set()
    thread.join()
    assert [w.returncode for w in writers] == [0] * 4
    assert database.count_states(campaign_id) == {"COMPLETED": 200, "WAITING": 2}
    assert database.count("properties") == 2 * database.count("outputs") == 400
    assert slowest[0] < 5


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.2])
def test_a_killed_writer_leaves_whole_results_only(database, campaign_id, database_address, delay):
    writer = start_writer(database_address, "w", 100_000)
    writer.stdout.readline()
    time.sleep(delay)
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    with database.reading() as connection:
        done = connection.exec_driver_sql("SELECT uuid FROM jobs WHERE state = 'COMPLETED'").all()
        documents = connection.exec_driver_sql("SELECT hash FROM calculations").all()
        outputs = connection.exec_driver_sql("SELECT uuid FROM outputs").all()
        values = connection.exec_driver_sql("SELECT calculation, property FROM properties").all()
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    names = sorted(r[0] for r in done)
    assert names == sorted(r[0] for r in documents) == sorted(r[0] for r in outputs)
    assert Counter(r[0] for r in values) == dict.fromkeys(names, 2)
    # and it goes on
    database.record(ION, None, output(1), "COMPLETED")
    assert database.jobs(campaign_id)[0].state == "COMPLETED"


@pytest.mark.slow
def test_a_hundred_thousand_jobs_are_added_in_seconds(tmp_path):
    with Database(tmp_path / "a.db") as database:
        identity = database.register_campaign(campaign(), "", "", [])
        rows = [{"uuid": f"u{i}", "name": "x", "payload": {"i": i}} for i in range(100_000)]
        start = time.process_time()
        database.add_jobs(identity, rows)
        assert time.process_time() - start < 15
        assert database.count_states(identity) == {"WAITING": 100_000}
