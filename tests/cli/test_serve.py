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
    query = "?candidate=TFSI&property=homo&_shape=array"
    status, text = get(f"{server}/mgscreen/{name}.json{query}")
    assert status == 200
    rows = json.loads(text)
    assert rows or name == "failures"


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
