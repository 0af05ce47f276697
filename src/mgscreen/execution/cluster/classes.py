"""Which class of tasks a job belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError
from mgscreen.engines.device import needs_gpu

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mgscreen.database.jobs import Job
    from mgscreen.execution.cluster.profile import TaskClass

_BY_ENGINE: dict[str, TaskClass] = {
    "xtb": "molecule",
    "pyscf": "molecule",
    "mlip": "potential",
    "gpaw": "plane-wave",
    "vasp": "plane-wave",
}
_ORDER: tuple[TaskClass, ...] = ("potential", "molecule", "plane-wave", "gpu")
"""Where a job goes that needs next to nothing, or whose own class the profile does not have."""


def class_of(
    job: Job, payload: Mapping[str, Any] | None, known: Collection[TaskClass]
) -> TaskClass:
    """Return the class of a job.

    A level whose settings ask for a GPU belongs to ``gpu``; else the engine decides. A job without
    a level (sums, differences) goes to the lightest class there is.

    Parameters
    ----------
    job
        The job; its ``level`` is the name of a level of theory, or empty.
    payload
        The jobflow job as JSON, in whose arguments the settings stand.
    known
        Classes that the profile has.

    Raises
    ------
    InputError
        If the job asks for a GPU and the profile has no such class.
    """
    if payload is not None and _wants_gpu(payload):
        if "gpu" not in known:
            raise InputError(f"{job.name} asks for a GPU and the profile has no class 'gpu'")
        return "gpu"
    wanted = _BY_ENGINE.get(job.level.partition(":")[0])
    if wanted is not None and wanted in known:
        return wanted
    if wanted == "plane-wave":
        raise InputError(f"{job.name} is plane-wave DFT and the profile has no class 'plane-wave'")
    return next(name for name in _ORDER if name in known)


def _wants_gpu(payload: Mapping[str, Any]) -> bool:
    """Whether a level among the arguments has ``device = "gpu"`` or ``"cuda"``."""
    todo: list[Any] = [payload.get("function_args"), payload.get("function_kwargs")]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            settings = item.get("settings")
            if "engine" in item and isinstance(settings, dict):
                if needs_gpu(settings):
                    return True
                continue
            todo.extend(v for v in item.values() if isinstance(v, dict | list))
        elif isinstance(item, list):
            todo.extend(v for v in item if isinstance(v, dict | list))
    return False
