"""One MPI rank of a task: ``python -m mgscreen.execution.cluster.ranks FOLDER``.

All ranks run the same Python on the same task, as GPAW wants it. Rank 0 works in the campaign's
folders and writes the reply. The others get copies of the checkpoints that were there at the start:
what one rank reads can then never be what another has just written.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

_VARIABLES = (
    "OMPI_COMM_WORLD_RANK",
    "PMIX_RANK",
    "PMI_RANK",
    "SLURM_PROCID",
    "MV2_COMM_WORLD_RANK",
)
_WAIT_S = 120.0


def rank() -> int:
    """Return the rank of this process; 0 where no launcher says it."""
    return next((int(os.environ[name]) for name in _VARIABLES if name in os.environ), 0)


def main(folder: Path) -> None:
    """Run the task as one of its ranks."""
    from mgscreen.execution.worker import run_payload

    content = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    mine = rank()
    runtime = content.get("runtime", {})
    frozen = folder / "checkpoints"
    if mine == 0:
        scratch = runtime.get("scratch")
        if scratch and Path(scratch).is_dir():
            part = folder / "checkpoints.part"
            shutil.copytree(scratch, part)
            part.rename(frozen)
        else:
            frozen.mkdir()
    else:
        end = time.monotonic() + _WAIT_S
        while not frozen.is_dir():
            if time.monotonic() > end:
                sys.exit("rank 0 does not come")
            time.sleep(0.05)
        own = folder / f"rank-{mine}"
        shutil.copytree(frozen, own / "scratch")
        content["runtime"] = {
            **runtime,
            "scratch": str(own / "scratch"),
            "files": str(own / "files"),
        }
    reply = run_payload(json.dumps(content))
    if mine == 0:
        part = folder / "reply.part"
        part.write_text(reply, encoding="utf-8")
        part.rename(folder / "reply.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
