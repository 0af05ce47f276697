"""A driver of its own process: ``run_for_tests.py DATABASE SECONDS RETRIES``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def main(database, seconds, retries):
    from campaign_for_tests import make_campaign
    from jobs_for_tests import small_campaign

    from mgscreen.database.database import Database
    from mgscreen.execution.driver import run_flow
    from mgscreen.execution.limits import Limits

    with Database(database) as db:
        summary = run_flow(
            small_campaign(float(seconds)),
            db,
            make_campaign(db),
            workers=2,
            limits=Limits(retries=int(retries)),
            modules=("jobs_for_tests",),
        )
    print("interrupted" if summary.interrupted else "finished", summary.computed, flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main(*sys.argv[1:])
