"""Parsl's providers made from a profile; the jobs that they submit are noted at once."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError
from mgscreen.execution.cluster.profile import walltime_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mgscreen.execution.cluster.profile import Profile, Resources
    from mgscreen.execution.cluster.queues import QueueJob


def require_parsl() -> None:
    """Refuse to go on without Parsl.

    Raises
    ------
    MissingEngineError
        With the command that installs it.
    """
    try:
        import parsl  # noqa: F401
    except ImportError:
        raise MissingEngineError("parsl", "hpc") from None


def provider_of(
    profile: Profile,
    resources: Resources,
    *,
    note: Callable[[str, str], None],
    states: Callable[[list[str]], dict[str, QueueJob]],
) -> Any:
    """Return a Parsl provider for a class of tasks.

    Parameters
    ----------
    profile, resources
        What to ask for.
    note
        Called with the id and the name of each job as soon as the queue has given it.
    states
        What the queue says of jobs.
    """
    require_parsl()
    from parsl import providers
    from parsl.launchers import MpiExecLauncher, SimpleLauncher, SrunLauncher

    spread = resources.nodes > 1 and resources.launch is None
    launcher: Any = SimpleLauncher()
    if spread:
        launcher = SrunLauncher() if profile.scheduler == "slurm" else MpiExecLauncher()
    setup = "\n".join([*profile.setup, *resources.setup])
    common: dict[str, Any] = {
        "nodes_per_block": resources.nodes,
        "init_blocks": 0,
        "min_blocks": 0,
        "max_blocks": resources.blocks,
        # a block of MPI ranks takes one task, whatever its nodes
        "parallelism": resources.nodes if resources.launch is not None else 1,
        "worker_init": setup,
        "launcher": launcher,
    }
    options = "\n".join(resources.options)
    if profile.scheduler == "local":
        return _noting(providers.LocalProvider, profile, note, states)(**common, cmd_timeout=30)
    common["walltime"] = walltime_of(resources.walltime_s)
    if profile.scheduler == "slurm":
        lines = ["#SBATCH --no-requeue", "#SBATCH --open-mode=append", *resources.options]
        return _noting(providers.SlurmProvider, profile, note, states)(
            **common,
            partition=resources.partition,
            account=resources.account,
            qos=resources.qos,
            constraint=resources.constraint,
            cores_per_node=resources.cores,
            mem_per_node=resources.memory_gb,
            gpus_per_node=resources.gpus or None,
            exclusive=resources.exclusive,
            scheduler_options="\n".join(lines),
            cmd_timeout=60,
        )
    if profile.scheduler == "pbs":
        select = f"mem={resources.memory_gb}gb"
        if resources.gpus:
            select += f":ngpus={resources.gpus}"
        lines = ["#PBS -r n", *(["#PBS -l place=excl"] if resources.exclusive else [])]
        return _noting(providers.PBSProProvider, profile, note, states)(
            **common,
            queue=resources.partition,
            account=resources.account,
            cpus_per_node=resources.cores,
            select_options=select,
            scheduler_options="\n".join([*lines, *resources.options]),
            cmd_timeout=60,
        )
    lines = ["#BSUB -rn", f'#BSUB -R "rusage[mem={resources.memory_gb}GB]"']
    lines += ["#BSUB -x"] * resources.exclusive
    return _noting(providers.LSFProvider, profile, note, states)(
        **common,
        queue=resources.partition,
        project=resources.account,
        cores_per_node=resources.cores,
        cores_per_block=resources.cores * resources.nodes,
        request_by_nodes=False,
        bsub_redirection=True,
        scheduler_options="\n".join([*lines, options] if options else lines),
        cmd_timeout=60,
    )


def _noting(
    kind: Any,
    profile: Profile,
    note: Callable[[str, str], None],
    states: Callable[[list[str]], dict[str, QueueJob]],
) -> Any:
    """Return a provider class that notes what it submits and believes the queue, not Parsl."""
    from parsl.jobs.states import JobState, JobStatus

    from mgscreen.execution.cluster import queues

    meaning = {
        queues.PENDING: JobState.PENDING,
        queues.RUNNING: JobState.RUNNING,
        queues.COMPLETED: JobState.COMPLETED,
        queues.FAILED: JobState.FAILED,
        queues.CANCELLED: JobState.CANCELLED,
        queues.PREEMPTED: JobState.CANCELLED,
        queues.TIMEOUT: JobState.TIMEOUT,
        queues.OUT_OF_MEMORY: JobState.FAILED,
        queues.NODE_FAIL: JobState.CANCELLED,
        queues.UNKNOWN: JobState.COMPLETED,
    }

    class Noting(kind):  # type: ignore[misc]
        status_polling_interval = profile.heartbeat.poll_s

        def submit(self, command: str, tasks_per_node: int, job_name: str = "mgscreen") -> Any:
            found = super().submit(command, tasks_per_node, job_name)
            if found is not None:
                note(str(found), job_name)
            return found

        def _status(self) -> None:
            active = [one for one, job in self.resources.items() if not job["status"].terminal]
            for one, job in states(active).items():
                entry = self.resources[one]
                entry["status"] = JobStatus(
                    meaning[job.state],
                    job.reason,
                    stdout_path=entry.get("job_stdout_path"),
                    stderr_path=entry.get("job_stderr_path"),
                )

    return Noting


def launch_command(profile: Profile, token: str) -> str:
    """Return the command of a block, with the places that Parsl fills in."""
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    python = shlex.quote(profile.python or sys.executable)
    _, _, arguments = DEFAULT_LAUNCH_CMD.partition("process_worker_pool.py")
    return f"{python} -m mgscreen.execution.cluster.block --token={token} {arguments.strip()}"
