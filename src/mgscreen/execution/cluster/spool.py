"""The folder through which a worker says that it began a task, and what came out of it.

Parsl carries tasks and replies. Beside that, a worker leaves two small files in a folder that the
nodes share: one when it begins (host, process, job of the queue) and one with the reply. The first
tells what a lost task was lost with; the second keeps a finished result where the driver, or the
way to it, was gone in that moment. JSON alone, written under another name and renamed, so that
nobody reads half of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BEGUN, REPLY, STOP = ".begun", ".reply", ".stop"


def task_key(uuid: str, index: int, text: str) -> str:
    """Return the name of a task: job and content, so that an old reply fits the old task alone.

    Where and with what resources a task runs (``runtime`` in its text) does not enter.
    """
    content = json.loads(text)
    content.pop("runtime", None)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{uuid}-{index}-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Begun:
    """Who runs a task.

    Attributes
    ----------
    host, pid
        The worker.
    block
        Parsl's block.
    job
        Job of the queue; empty where there is no queue.
    time
        Seconds since 1970, by the worker's clock.
    attempt
        Which attempt it is, counted by the driver.
    """

    host: str = ""
    pid: int = 0
    block: str = ""
    job: str = ""
    time: float = 0.0
    attempt: int = 0


class Spool:
    """The folder.

    Parameters
    ----------
    folder
        On a file system that driver and workers share; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    # a worker's side

    def begin(self, key: str, begun: Begun) -> None:
        """Say that a task has begun."""
        self._write(key + BEGUN, json.dumps(begun.__dict__))

    def reply(self, key: str, text: str) -> None:
        """Keep the reply of a task."""
        self._write(key + REPLY, text)

    def asked_to_stop(self, key: str) -> bool:
        """Whether somebody wants the task ended."""
        return (self.folder / (key + STOP)).exists()

    def _write(self, name: str, text: str) -> None:
        part = self.folder / f".{name}.{os.getpid()}"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / name)

    # the driver's side

    def begun(self, key: str) -> Begun | None:
        """Return who runs a task; None if nobody has begun it."""
        values = self._read(key + BEGUN)
        return None if values is None else Begun(**values)

    def begun_keys(self) -> set[str]:
        """Return the tasks that somebody has begun, in one look at the folder."""
        return self._keys(BEGUN)

    def reply_keys(self) -> set[str]:
        """Return the tasks that have left a reply."""
        return self._keys(REPLY)

    def _keys(self, ending: str) -> set[str]:
        with os.scandir(self.folder) as entries:
            return {e.name[: -len(ending)] for e in entries if e.name.endswith(ending)}

    def find_reply(self, key: str) -> str | None:
        """Return the reply of a task that ended by itself, well or badly; None if there is none."""
        with suppress(OSError, ValueError):
            text = (self.folder / (key + REPLY)).read_text(encoding="utf-8")
            json.loads(text)
            return text
        return None

    def stop(self, key: str) -> None:
        """Ask whoever runs a task to end it."""
        (self.folder / (key + STOP)).touch()

    def forget(self, key: str) -> None:
        """Remove what there is of a task."""
        for ending in (BEGUN, REPLY, STOP):
            with suppress(OSError):
                (self.folder / (key + ending)).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        with suppress(OSError, ValueError):
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else None
        return None
