"""The batch script of a block, written by Parsl's own provider without submitting it."""

from __future__ import annotations

import tempfile
from string import Template
from typing import TYPE_CHECKING, Any

from mgscreen.execution.cluster.providers import launch_command, provider_of

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.execution.cluster.profile import Profile, TaskClass

_SHOWN = {
    "addresses": "DRIVER",
    "worker_port": "PORT",
    "cert_dir": "KEYS",
    "logdir": "LOGS",
    "logconf": "None",
    "debug": "",
    "address_probe_timeout_string": "",
    "enable_mpi_mode": "",
    "mpi_launcher": "mpiexec",
    "poll_period": 10,
    "prefetch_capacity": 0,
    "cpu_affinity": "none",
    "mem_per_worker": "None",
}


class _NotSubmittedError(Exception):
    """Stands for the submission that does not take place."""


def batch_script(profile: Profile, name: TaskClass, folder: Path) -> str:
    """Return the script as the queue would get it.

    Parameters
    ----------
    profile
        The profile.
    name
        Class of tasks.
    folder
        Where the real one would lie; what is made here for showing is removed again.

    Raises
    ------
    MissingEngineError
        If Parsl is not installed.
    """
    resources = profile.classes[name]
    provider = _writing(profile, name)
    left = max(resources.walltime_s // 10, 1)
    command = launch_command(profile, "TOKEN").format(
        **_SHOWN,
        max_workers_per_node=f"--max_workers_per_node={resources.tasks_per_node}",
        cores_per_worker=1e-6 if resources.launch else float(resources.cores_per_task),
        heartbeat_period=profile.heartbeat.period_s,
        heartbeat_threshold=profile.heartbeat.threshold_s,
        drain_period=None if profile.scheduler == "local" else resources.walltime_s - left,
        accelerators=" ".join(str(n) for n in range(resources.gpus)),
    )
    with tempfile.TemporaryDirectory() as work:
        provider.script_dir = work
        try:
            provider.submit(command.format(block_id="BLOCK"), 1, f"parsl.mgscreen-{name}")
        except _NotSubmittedError as told:
            text = str(told)
        return text.replace(work, str(folder / "scripts"))


def _writing(profile: Profile, name: TaskClass) -> Any:
    """Return a provider that raises the text of the script in place of submitting it."""
    kind = provider_of(profile, profile.classes[name], note=lambda *_: None, states=lambda _: {})

    def write(template: str, _path: str, job_name: str, values: dict[str, Any]) -> None:
        raise _NotSubmittedError(Template(template).substitute(jobname=job_name, **values))

    def write_local(text: str, _path: str) -> None:
        raise _NotSubmittedError(text)

    kind._write_submit_script = write_local if profile.scheduler == "local" else write  # noqa: SLF001
    return kind
