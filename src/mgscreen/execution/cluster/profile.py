"""Cluster profiles: what to ask a queue for, read from a TOML file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from mgscreen.campaign.base import FieldError, Name, Table, Text
from mgscreen.campaign.faults import did_you_mean, input_error
from mgscreen.campaign.loader import read_text
from mgscreen.campaign.sourcemap import SourceMap
from mgscreen.core.errors import InputError, Location
from mgscreen.core.resources import data_path

TaskClass = Literal["molecule", "potential", "plane-wave", "gpu"]
TASK_CLASSES: tuple[TaskClass, ...] = ("molecule", "potential", "plane-wave", "gpu")
"""Molecule DFT and GFN2; machine-learned potentials; plane-wave DFT; whatever asks for CUDA."""
Scheduler = Literal["slurm", "pbs", "lsf", "local"]

_WALLTIME = re.compile(r"(?:(\d+)-)?(\d{1,3}):([0-5]\d):([0-5]\d)")
_PREFIX = {"slurm": "#SBATCH", "pbs": "#PBS", "lsf": "#BSUB", "local": "#"}


def seconds_of(walltime: str) -> int:
    """Return the seconds of ``HH:MM:SS`` or ``D-HH:MM:SS``.

    Raises
    ------
    ValueError
        If the text is no such time.
    """
    found = _WALLTIME.fullmatch(walltime)
    if found is None:
        msg = f"expected a time as HH:MM:SS or D-HH:MM:SS, got '{walltime}'"
        raise ValueError(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def walltime_of(seconds: float) -> str:
    """Write seconds as ``HH:MM:SS``, which every queue reads; whole seconds, rounded up."""
    whole = -int(-seconds // 1)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _walltime(value: str) -> str:
    if seconds_of(value) == 0:
        msg = "expected a time above zero"
        raise ValueError(msg)
    return value


Walltime = Annotated[str, AfterValidator(_walltime)]
# A word becomes part of a line of the batch script: nothing in it can end that line
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.,:@/+=%()&|<>\[\]-]{1,200}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\n\r\x00]{1,2000}$")]


class Resources(Table):
    """What one class of tasks asks the queue for: a block is one job of the queue."""

    partition: Word | None = Field(
        default=None, description="partition (SLURM) or queue (PBS, LSF)"
    )
    account: Word | None = Field(default=None, description="account or project that pays")
    qos: Word | None = None
    constraint: Word | None = Field(default=None, description="SLURM: kind of node")
    walltime: Walltime = Field(default="04:00:00", description="of one block, HH:MM:SS")
    max_walltime: Walltime | None = Field(
        default=None, description="most that a task which ran out of time is given; None: walltime"
    )
    nodes: int = Field(default=1, ge=1, le=10_000, description="nodes of one block")
    cores: int = Field(default=1, ge=1, le=4096, description="cores of one node")
    memory_gb: int = Field(default=4, ge=1, le=100_000, description="memory of one node, GB")
    max_memory_gb: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="most that the node of a task which ran out of memory has; None: memory_gb",
    )
    cores_per_task: int = Field(default=1, ge=1, le=4096, description="threads (or MPI ranks)")
    memory_per_task_gb: float = Field(default=4.0, gt=0.2, le=1e5, description="limit of one task")
    gpus: int = Field(default=0, ge=0, le=64, description="of one node, one task each")
    blocks: int = Field(default=1, ge=1, le=1000, description="most blocks at once")
    exclusive: bool = Field(default=False, description="whole nodes, shared with nobody")
    launch: Line | None = Field(
        default=None,
        description="starts the ranks of an MPI task: 'srun -n 32' or 'mpiexec -n 32'; such a "
        "task has its block for itself",
    )
    options: tuple[Line, ...] = Field(
        default=(), description="further lines for the queue, '#SBATCH ...' as they stand"
    )
    setup: tuple[Line, ...] = Field(
        default=(), description="shell lines before the workers start, after those of the profile"
    )

    @property
    def walltime_s(self) -> int:
        """Seconds of one block."""
        return seconds_of(self.walltime)

    @property
    def longest_s(self) -> int:
        """Most seconds that a task which ran out of time is given."""
        return max(self.walltime_s, seconds_of(self.max_walltime or self.walltime))

    @property
    def largest_gb(self) -> int:
        """Most memory of a node that a task which ran out of memory is given, GB."""
        return max(self.memory_gb, self.max_memory_gb or 0)

    @property
    def tasks_per_node(self) -> int:
        """Tasks that run at once on one node."""
        if self.launch is not None:
            return 1
        slots = min(
            self.cores // self.cores_per_task, int(self.memory_gb // self.memory_per_task_gb)
        )
        return min(slots, self.gpus) if self.gpus else slots

    @property
    def slots(self) -> int:
        """Tasks that run at once in all blocks."""
        per_block = 1 if self.launch is not None else self.tasks_per_node * self.nodes
        return per_block * self.blocks

    @model_validator(mode="after")
    def _fits(self) -> Resources:
        if self.launch is None and self.cores_per_task > self.cores:
            raise FieldError(
                f"a task needs {self.cores_per_task} cores and a node has {self.cores}",
                "cores_per_task",
            )
        if self.memory_per_task_gb > self.memory_gb:
            raise FieldError(
                f"a task needs {self.memory_per_task_gb:g} GB and a node has {self.memory_gb}",
                "memory_per_task_gb",
            )
        if self.longest_s > self.walltime_s and self.max_walltime is None:
            raise FieldError("shorter than walltime", "max_walltime")
        return self


class Heartbeat(Table):
    """How a lost block is noticed."""

    period_s: int = Field(default=10, ge=1, le=600, description="between signs of life")
    threshold_s: int = Field(default=60, ge=2, le=7200, description="without one: lost")
    poll_s: float = Field(
        default=10.0, ge=0.2, le=600.0, description="how often the queue is asked for its jobs"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Heartbeat:
        if self.threshold_s < 2 * self.period_s:
            raise FieldError("expected at least twice period_s", "threshold_s")
        return self


class Faults(Table):
    """How often what is tried again."""

    retries: int = Field(
        default=5, ge=0, le=100, description="after a lost worker, node, or cancelled block"
    )
    continuations: int = Field(
        default=10, ge=0, le=1000, description="after the end of walltime, from the checkpoint"
    )
    growth: float = Field(
        default=2.0, gt=1.0, le=16.0, description="factor of walltime and memory when they ran out"
    )
    dead_blocks: int = Field(
        default=5, ge=1, le=100, description="blocks in a row that end before a worker starts"
    )


class Profile(Table):
    """A whole profile."""

    name: Name
    description: str = ""
    scheduler: Scheduler = "local"
    setup: tuple[Line, ...] = Field(
        default=(), description="shell lines before the workers start: modules, environment"
    )
    scratch: Text | None = Field(
        default=None,
        description="folder of checkpoints, shared by the nodes; None: scratch/ of the results; "
        "environment variables are filled in on the driver's machine",
    )
    python: Text | None = Field(default=None, description="of the workers; None: the driver's")
    address: Word | None = Field(
        default=None, description="of the driver's machine as nodes reach it; None: tried out"
    )
    idle_s: float = Field(default=60.0, ge=1.0, le=86_400.0, description="then a block is given up")
    heartbeat: Heartbeat = Heartbeat()
    faults: Faults = Faults()
    classes: dict[TaskClass, Resources] = Field(min_length=1)

    @field_validator("scratch")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and not os.path.expandvars(value).startswith("/"):
            msg = f"expected a path from the root, got '{value}'"
            raise ValueError(msg)
        if value is not None and "$" in os.path.expandvars(value):
            msg = f"'{value}' names an environment variable that is not set"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _lines(self) -> Profile:
        prefix = _PREFIX[self.scheduler]
        for name, resources in self.classes.items():
            for n, line in enumerate(resources.options):
                if not line.startswith(prefix):
                    raise FieldError(
                        f"expected a line that starts with {prefix}", "classes", name, "options", n
                    )
            if resources.gpus and self.scheduler == "lsf" and not resources.options:
                raise FieldError(
                    "LSF has no common way to ask for GPUs: expected a line '#BSUB -gpu ...'",
                    "classes",
                    name,
                    "options",
                )
        return self

    @property
    def slots(self) -> int:
        """Tasks of all classes that run at once."""
        return sum(resources.slots for resources in self.classes.values())


@dataclass(frozen=True)
class LoadedProfile:
    """A profile with the text that it was read from."""

    profile: Profile
    path: Path
    source: SourceMap


def shipped_profiles() -> dict[str, Path]:
    """Return the profiles that come with mgscreen, by name."""
    try:
        return {p.stem: p for p in sorted(data_path("hpc").glob("*.toml"))}
    except FileNotFoundError:
        return {}


def load_profile(path: str | os.PathLike[str]) -> LoadedProfile:
    """Read and check a profile.

    Parameters
    ----------
    path
        A TOML file, or the bare name of a profile that comes with mgscreen (``slurm``).

    Raises
    ------
    InputError
        One sentence with file, line and field, if it cannot be read or is no profile.
    """
    file = Path(path)
    shipped = shipped_profiles()
    if not file.exists() and len(file.parts) == 1 and not file.suffix:
        if file.name not in shipped:
            hint = did_you_mean(file.name, shipped, what="profiles that come with mgscreen")
            raise InputError(
                f"there is no such file and no such profile ({hint})", Location(str(file))
            )
        file = shipped[file.name]
    name = str(file)
    source = SourceMap.parse(read_text(file, "a cluster profile in TOML"), name)
    if not source.data:
        raise InputError("the file is empty: expected a cluster profile in TOML", Location(name))
    try:
        profile = Profile.model_validate(_tuples(source.data), strict=True)
    except ValidationError as error:
        raise input_error(error, source, Profile) from None
    return LoadedProfile(profile=profile, path=file, source=source)


def _tuples(value: object) -> object:
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return value
