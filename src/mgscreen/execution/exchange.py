"""Steps of a campaign done by a licensed program elsewhere: inputs out, outputs back in.

Only programs that mgscreen does not run itself. What comes back goes through the very calculation
that the step is, with an engine that reads files in place of one that computes: the same checks,
the same document, the same rows, under the other program's name.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from mgscreen import __version__
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.database.schema import now
from mgscreen.execution.codec import decode_job
from mgscreen.execution.exchange_vasp import read_vasp, write_vasp
from mgscreen.execution.graph import Dag, Node
from mgscreen.execution.prepare import Identifier, Prepared, prepare
from mgscreen.execution.states import State
from mgscreen.execution.worker import JobOutputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jobflow import JobStore

    from mgscreen.core.documents import Document
    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job
    from mgscreen.engines.level import Level

Code = Literal["gaussian", "vasp"]
CODES: tuple[Code, ...] = ("gaussian", "vasp")
MANIFEST = "manifest.json"
KINDS: dict[Code, tuple[str, ...]] = {
    "gaussian": ("orbitals", "redox_vertical"),
    "vasp": ("crystal", "slab", "gas", "adsorption", "phase_migration_dft"),
}
"""Kinds of steps that a program's outputs are read back for."""
_PARTS = {"phase_migration_dft": "migration_points"}
"""Steps that mgscreen computes in parts, and their parts: another program does them as a whole."""
_OUTPUTS: dict[Code, tuple[str, ...]] = {
    "gaussian": ("*.log", "*.out"),
    "vasp": ("vasprun.xml", "*/vasprun.xml", "*/*/vasprun.xml"),
}
_ENGINES: dict[Code, tuple[str, ...]] = {
    "gaussian": ("pyscf", "gaussian"),
    "vasp": ("gpaw", "vasp"),
}
"""Engines whose levels a program can take the place of."""


@dataclass(frozen=True)
class Step:
    """A step of a campaign, as it went out or came back.

    Attributes
    ----------
    name
        Of the job.
    folder
        Below the exported one; empty where nothing was written.
    problem
        Why nothing was written, or read; empty if all is well.
    """

    name: str
    folder: str = ""
    problem: str = ""


def export_inputs(
    database: Database, campaign_id: int, code: Code, folder: Path, *, again: bool = False
) -> list[Step]:
    """Write input files of every open step that a program can do and whose parents are done.

    Parameters
    ----------
    database
        Holds the campaign's jobs.
    campaign_id
        Whose.
    code
        The program.
    folder
        Where to; a manifest in it says which folder belongs to which job.
    again
        Also steps that are completed.

    Raises
    ------
    InputError
        If the folder holds an export of another campaign.
    """
    manifest = _start(database, campaign_id, code, folder)
    steps = []
    for node, prepared in _nodes(database, campaign_id):
        job = node.job
        if job.kind not in KINDS[code] or (node.state is State.COMPLETED and not again):
            continue
        if job.level.partition(":")[0] not in _ENGINES[code]:
            continue
        name = f"{_plain(job.name)}-{job.uuid[:8]}"
        try:
            function, arguments = _arguments(prepared)
            _WRITERS[code](function, arguments, folder / name)
        except (InputError, ScientificFailureError) as error:
            steps.append(Step(job.name, problem=str(error)))
            continue
        manifest["jobs"][name] = {"uuid": job.uuid, "index": job.index, "name": job.name}
        steps.append(Step(job.name, folder=name))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return steps


def import_outputs(
    database: Database, campaign_id: int, folder: Path, files: Path, scratch: Path
) -> list[Step]:
    """Read what a program has left in an exported folder, and store it as results.

    Parameters
    ----------
    database
        Open for writing; nobody else drives the campaign.
    campaign_id
        Whose jobs.
    folder
        As ``export_inputs`` wrote it, with the program's outputs in it.
    files
        The campaign's folder of files: outputs are kept there by their SHA-256.
    scratch
        For the calculations' checkpoints.

    Raises
    ------
    InputError
        If the folder is no export of this campaign.
    """
    manifest = _manifest(database, campaign_id, folder)
    code: Code = manifest["code"]
    nodes = {node.job.uuid: (node, prepared) for node, prepared in _nodes(database, campaign_id)}
    steps = []
    for name, entry in manifest["jobs"].items():
        place = folder / name
        if not place.resolve().is_relative_to(folder.resolve()) or "/" in name:
            raise InputError(f"'{folder / MANIFEST}' names a folder outside of it: '{name}'")
        found = [p for pattern in _OUTPUTS[code] for p in sorted(place.glob(pattern))]
        if not found:
            steps.append(Step(str(entry["name"]), name, "no output yet"))
            continue
        if entry["uuid"] not in nodes:
            steps.append(Step(str(entry["name"]), name, "the campaign has no such job any more"))
            continue
        node, prepared = nodes[entry["uuid"]]
        with use_runtime(Runtime(scratch=scratch, files=files)):
            problem = _take(database, node, prepared, code, found)
            for key in node.job.parents if not problem else ():
                part = nodes.get(key)
                if part is not None and part[0].job.kind == _PARTS.get(node.job.kind):
                    lacking = _take(database, *part, code, found)
                    steps += [Step(part[0].job.name, name, lacking)] if lacking else []
        steps.append(Step(node.job.name, name, problem))
    return steps


def _take(database: Database, node: Node, prepared: Prepared, code: Code, found: list[Path]) -> str:
    """Run the step's own calculation on the files and record it; return what is wrong."""
    from mgscreen.core.runtime import runtime
    from mgscreen.engines.imported import keep

    files = runtime().files
    if files is None:
        return "there is no folder of files"
    try:
        function, arguments = _arguments(prepared)
        kept = {keep(path, files): path for path in found}
        level = _READERS[code](arguments, kept)
    except (InputError, ScientificFailureError) as error:
        return str(error)
    identifier = Identifier(())
    document: Document = function(**{**arguments, "level": level})
    if document.state != "completed":
        # a wrong file is no result: the step stays open
        return document.reason
    document.files |= {
        f"{code} output {n}": f"imported/{sha}{path.suffix}"
        for n, (sha, path) in enumerate(kept.items(), 1)
    }
    document.warnings.append(f"imported from files of {code}, not computed by mgscreen")
    job = _as_imported(node.job, str(level))
    output = identifier.output(prepared.job, document.model_dump(mode="json"))
    database.record(job, document, output, "COMPLETED", finished_at=now(), reason="")
    return ""


def _as_imported(job: Job, level: str) -> Job:
    from dataclasses import replace

    return replace(job, level=level)


# jobs and their arguments


def _nodes(database: Database, campaign_id: int) -> Iterator[tuple[Node, Prepared]]:
    jobs = database.jobs(campaign_id)
    wanted = {kind for kinds in KINDS.values() for kind in kinds} | set(_PARTS.values())
    nodes = [node for node in Dag().add(jobs) if node.job.kind in wanted]
    for node in nodes:
        # one at a time: outputs of a large campaign do not all fit into memory
        yield node, prepare(database, [node])[node.key]


def _arguments(prepared: Prepared) -> tuple[Any, dict[str, Any]]:
    """Return a step's calculation and its arguments by name, results of its parents filled in.

    Raises
    ------
    InputError
        If a parent is not done, or has failed.
    """
    from mgscreen.calculations.base import revive

    identifier = Identifier(())
    function = identifier.function(prepared.job)
    if function is None:
        raise InputError("it is no calculation")
    job = decode_job(prepared.job)
    if getattr(function, "kind", "") in _PARTS:
        job.function_kwargs["points"] = None
    try:
        job.resolve_args(store=cast("JobStore", JobOutputs(prepared.outputs)))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError("what it needs from other steps is not there yet") from None
    bound = inspect.signature(function).bind_partial(*job.function_args, **job.function_kwargs)
    bound.apply_defaults()
    found = {k: revive(v) for k, v in bound.arguments.items() if k != "identity"}
    if "structure" in found and not isinstance(found["structure"], AtomicStructure):
        raise InputError("what it needs from other steps is not there yet")
    return function, found


# Gaussian


def _states(arguments: dict[str, Any]) -> list[AtomicStructure]:
    """Return the species and, for potentials, its ions at the same place."""
    from mgscreen.calculations.electron import first_step

    structure: AtomicStructure = arguments["structure"]
    found = [structure]
    for direction in arguments.get("directions", ()):
        step = first_step(structure, direction)
        if step.state == "completed":
            found.append(structure.with_state(step.charge, step.multiplicity))
    return found


def _write_gaussian(function: Any, arguments: dict[str, Any], folder: Path) -> None:
    del function
    from mgscreen.engines.gaussian_inputs import gaussian_input

    texts = {
        f"charge{one.charge:+d}-multiplicity{one.multiplicity}.gjf": gaussian_input(
            one, arguments["level"], title=one.label
        )
        for one in _states(arguments)
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="ascii")


def _read_gaussian(arguments: dict[str, Any], kept: dict[str, Path]) -> Level:
    from mgscreen.engines.gaussian_inputs import gaussian_level

    outputs = {}
    for sha, path in kept.items():
        text = path.read_text(errors="replace")
        found = re.search(r"Charge\s+=\s*(-?\d+)\s+Multiplicity\s+=\s*(\d+)", text)
        if found is None:
            raise InputError(f"{path.name} is no output of Gaussian")
        outputs[f"{found.group(1)}/{found.group(2)}"] = sha
    missing = [
        f"{one.charge}/{one.multiplicity}"
        for one in _states(arguments)
        if f"{one.charge}/{one.multiplicity}" not in outputs
    ]
    if missing:
        raise InputError(f"no output yet of charge/multiplicity {', '.join(missing)}")
    level = gaussian_level(arguments["level"])
    return level.model_copy(update={"settings": {"outputs": dict(sorted(outputs.items()))}})


_WRITERS: dict[Code, Callable[[Any, dict[str, Any], Path], None]] = {
    "gaussian": _write_gaussian,
    "vasp": write_vasp,
}
_READERS: dict[Code, Callable[[dict[str, Any], dict[str, Path]], Level]] = {
    "gaussian": _read_gaussian,
    "vasp": read_vasp,
}


# the manifest


def _start(database: Database, campaign_id: int, code: Code, folder: Path) -> dict[str, Any]:
    row = _campaign(database, campaign_id)
    if (folder / MANIFEST).exists():
        found = _manifest(database, campaign_id, folder)
        if found["code"] != code:
            raise InputError(f"'{folder}' holds inputs of {found['code']}: name another folder")
        return found
    return {
        "mgscreen": __version__,
        "campaign": row["name"],
        "hash": row["hash"],
        "code": code,
        "jobs": {},
    }


def _campaign(database: Database, campaign_id: int) -> dict[str, Any]:
    return next(row for row in database.campaigns() if row["id"] == campaign_id)


def _manifest(database: Database, campaign_id: int, folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"'{folder}' is no exported folder: there is no {MANIFEST}") from None
    shaped = (
        isinstance(found, dict)
        and found.get("code") in CODES
        and isinstance(found.get("jobs"), dict)
        and all(
            isinstance(e, dict) and {"uuid", "name"} <= e.keys() for e in found["jobs"].values()
        )
    )
    if not shaped:
        raise InputError(f"'{path}' is no manifest of an export")
    row = _campaign(database, campaign_id)
    if found.get("campaign") != row["name"] or found.get("hash") != row["hash"]:
        raise InputError(
            f"'{path}' belongs to campaign '{found.get('campaign')}' as it was: export again"
        )
    return found


def _plain(name: str) -> str:
    """Return a name that is a folder's."""
    return re.sub(r"[^A-Za-z0-9+-]+", "_", name).strip("_")[:50] or "step"
