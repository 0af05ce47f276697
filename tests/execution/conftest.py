from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    # what the driver can import, a worker can: this makes jobs_for_tests a module for both
    sys.path.insert(0, HERE)


@pytest.fixture
def database(tmp_path):
    from mgscreen.database.database import Database

    with Database(tmp_path / "test.db") as found:
        yield found


@pytest.fixture
def campaign(database):
    from campaign_for_tests import make_campaign

    return make_campaign(database)


@pytest.fixture
def run(database, campaign, tmp_path):
    """Run a flow on two workers."""
    from mgscreen.execution.driver import run_flow

    def start(flow, **options):
        options.setdefault("workers", 2)
        options.setdefault("modules", ("jobs_for_tests",))
        options.setdefault("log_folder", tmp_path / "logs")
        return run_flow(flow, database, campaign, **options)

    return start


@pytest.fixture(scope="session")
def pool():
    """Two workers for all tests that do not harm them."""
    from mgscreen.execution.pool import WorkerPool

    with WorkerPool(2, preload=("jobflow", "mgscreen.execution.worker")) as found:
        yield found
