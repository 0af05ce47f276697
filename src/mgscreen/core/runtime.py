"""Where and with what a calculation runs; never part of its identity."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Runtime:
    """Resources of one job.

    Attributes
    ----------
    scratch
        Folder for checkpoints, shared by all jobs of a campaign; ``workdir`` gives each identity
        its own subfolder in it. Survives a kill: what lies there is continued from.
    files
        Folder for artefacts that a database row names (cube, extxyz).
    threads
        Threads that an engine may use.
    memory_mb
        Memory that an engine may use, megabytes.
    """

    scratch: Path | None = None
    files: Path | None = None
    threads: int = 1
    memory_mb: int = 3500

    def workdir(self, identity: str) -> Path:
        """Return (and create) the checkpoint folder of one identity."""
        root = self.scratch or Path(tempfile.gettempdir()) / f"mgscreen-{os.getuid()}"
        path = root / identity[:2] / identity
        path.mkdir(parents=True, exist_ok=True)
        return path

    def artefacts(self, identity: str) -> Path:
        """Return (and create) the folder of the files that a document of this identity names."""
        root = self.files or self.workdir(identity)
        path = root / identity if self.files else root
        path.mkdir(parents=True, exist_ok=True)
        return path

    def name_of(self, path: Path) -> str:
        """Return how a document names an artefact: relative to ``files`` where that is set.

        A database and the folder beside it can then be moved together.
        """
        if self.files is not None and path.is_relative_to(self.files):
            return path.relative_to(self.files).as_posix()
        return str(path)


_current: ContextVar[Runtime] = ContextVar("mgscreen_runtime", default=Runtime())  # noqa: B039 - it is frozen


def runtime() -> Runtime:
    """Return the resources of the job that runs now."""
    return _current.get()


@contextmanager
def use_runtime(value: Runtime) -> Iterator[Runtime]:
    """Run a block with these resources."""
    token = _current.set(value)
    try:
        yield value
    finally:
        _current.reset(token)
