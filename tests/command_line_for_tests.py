"""The command line as a process of its own, as a user's shell starts it."""

from __future__ import annotations

import os
import subprocess
import sys


def mgscreen(*arguments, cwd=None, code=0):
    """Run a command; its exit code is checked unless `code` is None."""
    done = subprocess.run(
        [sys.executable, "-m", "mgscreen.cli.main", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done
