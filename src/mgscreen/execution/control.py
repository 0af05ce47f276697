"""A folder in which somebody asks a running driver to stop, wholly or one job."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "control"
_STOP = "stop"
_JOB = "stop-"
_LOOK_S = 1.0
_UUID = re.compile(r"[A-Za-z0-9-]{1,64}")


def ask_to_stop(folder: Path, uuid: str | None = None) -> None:
    """Ask the driver to stop; ``uuid``: to end this job alone.

    Raises
    ------
    ValueError
        If ``uuid`` is none.
    """
    if uuid is not None and not _UUID.fullmatch(uuid):
        msg = f"'{uuid}' is no uuid"
        raise ValueError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (_STOP if uuid is None else f"{_JOB}{uuid}")).touch()


class Control:
    """The driver's side.

    Parameters
    ----------
    folder
        None: nobody can ask.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._next = 0.0
        if folder is not None and folder.is_dir():
            # what was asked of an earlier driver
            for path in folder.glob(f"{_STOP}*"):
                path.unlink(missing_ok=True)

    def asked(self) -> tuple[bool, list[str]]:
        """Return whether to stop, and the uuids of jobs to end; each request once."""
        if self._folder is None or time.monotonic() < self._next:
            return False, []
        self._next = time.monotonic() + _LOOK_S
        with suppress(OSError):
            names = sorted(path.name for path in self._folder.iterdir())
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
            jobs = [name.removeprefix(_JOB) for name in names if name.startswith(_JOB)]
            return _STOP in names, jobs
        return False, []
