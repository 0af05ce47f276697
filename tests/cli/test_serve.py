"""The database over HTTP, with the real server on this machine."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from mgscreen.cli.serve import QUERIES

EXAMPLE = Path(__file__).parents[2] / "results" / "example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for name in ("mgscreen.db", "report.html"):
        shutil.copy(EXAMPLE / name, folder / name)
    (folder / "secret.txt").write_text("not for the browser")
    command = [sys.executable, "-m", "mgscreen.cli.main", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", str(folder / "mgscreen.db")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    address = None
    for line in process.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            address = found.group()
            break
    assert address, "the server did not start"
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (0, 1, 130)


def get(url):
    for _ in range(40):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            time.sleep(0.25)
    pytest.fail(f"{url} did not answer")


@pytest.mark.parametrize("name", QUERIES)
def test_each_ready_made_query_answers(server, name):
    query = "?candidate=TFSI&property=reduction_potential_vertical&_shape=array"
    status, text = get(f"{server}/mgscreen/{name}.json{query}")
    assert status == 200
    rows = json.loads(text)
    # the example is of molecules, at one level each, and nothing in it failed
    assert rows or name in {"failures", "adsorption", "barriers", "windows", "spread_over_levels"}


def test_the_first_page_leads_to_the_report_and_the_queries(server):
    _, text = get(f"{server}/")
    assert "/report/report.html" in text
    _, text = get(f"{server}/mgscreen")
    assert all(title in text for title, _ in QUERIES.values())


def test_a_filter_of_a_table_is_no_sql(server):
    for value in ("x' or 1=1 --", "x%27%20or%201=1", "'; drop table properties; --"):
        asked = urllib.parse.quote(value)
        _, text = get(f"{server}/mgscreen/properties.json?candidate__exact={asked}&_shape=array")
        assert json.loads(text) == []
    sort = urllib.parse.quote("value; drop table properties")
    status, _ = get(f"{server}/mgscreen/properties.json?_sort={sort}")
    assert status in (400, 500)
    _, text = get(f"{server}/mgscreen/properties.json?candidate=TFSI&_shape=array")
    assert json.loads(text)


@pytest.mark.parametrize(
    "statement",
    [
        "attach database '/etc/passwd' as p",
        "select load_extension('x')",
        "select readfile('/etc/passwd')",
        "select writefile('/tmp/owned', 'x')",
        "pragma writable_schema = 1",
        "select 1; delete from properties",
        "with x as (select 1) insert into properties (candidate) select 1",
    ],
)
def test_no_statement_leaves_the_database(server, statement):
    status, _ = get(f"{server}/mgscreen.json?sql={urllib.parse.quote(statement)}")
    assert status == 400
    _, text = get(f"{server}/mgscreen/properties.json?_size=1&_shape=array")
    assert len(json.loads(text)) == 1


def test_the_database_file_cannot_be_downloaded(server):
    assert get(f"{server}/mgscreen.db")[0] in (403, 404)


def test_only_this_machine_is_served(server):
    import socket

    port = int(server.rsplit(":", 1)[1])
    others = {i[4][0] for i in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as tried:
            tried.settimeout(2)
            assert tried.connect_ex((address, port)) != 0


def test_a_bound_value_is_no_sql(server):
    value = urllib.parse.quote("x' or 1=1 --")
    _, text = get(f"{server}/mgscreen/values_of_a_candidate.json?candidate={value}&_shape=array")
    assert json.loads(text) == []


def test_nothing_can_be_written(server):
    sql = urllib.parse.quote("delete from properties")
    status, text = get(f"{server}/mgscreen.json?sql={sql}")
    assert status == 400
    assert "Statement must be a SELECT" in text


def test_the_report_is_there_and_nothing_beside_it(server):
    status, text = get(f"{server}/report/report.html")
    assert status == 200
    assert "mgscreen" in text
    for path in ("report/secret.txt", "report/../secret.txt", "report/%2e%2e/secret.txt"):
        status, text = get(f"{server}/{path}")
        assert status in (403, 404)
        assert "not for the browser" not in text
