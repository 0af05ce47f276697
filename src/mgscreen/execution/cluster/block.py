"""The first process of a block: runs Parsl's workers and leaves none of them behind.

``python -m mgscreen.execution.cluster.block --token=TOKEN ARGUMENTS...``, the arguments being those
of Parsl's ``process_worker_pool.py``. That program starts helpers of its own which survive when it
is killed; they are its process group, and this one ends them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main(arguments: list[str]) -> int:
    """Run the worker pool to its end; return its exit code."""
    beside = Path(sys.executable).with_name("process_worker_pool.py")
    program = str(beside) if beside.exists() else shutil.which("process_worker_pool.py")
    if program is None:
        sys.stderr.write(
            "Parsl is not installed where the workers run: pip install 'mgscreen[hpc]'\n"
        )
        return 127
    rest = [a for a in arguments if not a.startswith("--token=")]
    process = subprocess.Popen(  # noqa: S603 - Parsl's own program
        [sys.executable, program, *rest], start_new_session=True
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    code = process.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
