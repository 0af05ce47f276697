"""Steps that VASP can do: what they ask for is written as inputs, and read back from its outputs.

A step says itself what it needs: its calculation is called with an engine that has no outputs yet
and notes each relaxation and single point that it is asked for.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.vasp_inputs import vasp_level, write_vasp_inputs, write_vasp_neb
from mgscreen.engines.vasp_outputs import Question, asking

if TYPE_CHECKING:
    from mgscreen.calculations.migration_document import HopRecord
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.engines.vasp_inputs import Task

_TASKS: dict[str | None, Task] = {None: "static", "fixed": "relax", "full": "relax-cell"}


def write_vasp(function: Any, arguments: dict[str, Any], folder: Path) -> None:
    """Write the inputs of a step: into ``folder`` itself, or one folder below it for each.

    A migration path also gets folders ``neb-*`` of a climbing band through the potential's saddle.

    Raises
    ------
    InputError
        If VASP cannot do the step, or it asks for nothing.
    """
    level = arguments["level"]
    vasp_level(level)
    if function.kind == "phase_migration_dft":
        _write_path(arguments, folder)
        return
    asked, reason = _asked(function, arguments)
    if not asked:
        raise InputError(reason or "it asks for no calculation")
    places = [folder] if len(asked) == 1 else [folder / str(n) for n in range(1, len(asked) + 1)]
    for place, question in zip(places, asked, strict=True):
        _write(place, question, level)


def _asked(function: Any, arguments: dict[str, Any]) -> tuple[list[Question], str]:
    """Return what a calculation asks an engine for, and why it stopped."""
    level = vasp_level(arguments["level"]).model_copy(update={"settings": {"outputs": {}}})
    with (
        tempfile.TemporaryDirectory() as name,
        use_runtime(Runtime(scratch=Path(name))),
        asking() as found,
    ):
        document = function(**{**arguments, "level": level})
    return list(found), str(document.reason)


def _write(folder: Path, question: Question, level: Level) -> None:
    if question.cell not in _TASKS:
        raise InputError(f"VASP has no plain way to keep the cell {question.cell}")
    write_vasp_inputs(
        question.structure, level, folder, fixed=question.fixed, task=_TASKS[question.cell]
    )


def _write_path(arguments: dict[str, Any], folder: Path) -> None:
    """Write single points of the ends and the saddle of each hop that is wanted, and its band."""
    from mgscreen.calculations.migration_document import PhaseMigrationDocument
    from mgscreen.calculations.migration_points import wanted_hops

    if arguments["relax"]:
        raise InputError(
            'a saddle that is relaxed takes hundreds of calls: ask for dft_saddle = "single-point"'
        )
    paths = [PhaseMigrationDocument.model_validate(_plain(p)) for p in arguments["paths"] if p]
    good = [p for p in paths if p.state == "completed" and p.barrier_ev is not None]
    if not good:
        raise InputError("no potential found a path through this phase")
    chosen = {"first": good[:1], "last": good[-1:], "all": good}[arguments["geometry"]]
    level = arguments["level"]
    for number, path in enumerate(chosen, 1):
        for hop in wanted_hops(path, arguments["mechanisms"]):
            if hop.initial is None or hop.saddle is None:
                continue
            name = f"{_folder(hop.name)}-{number}"
            for part in ("initial", "saddle", "final"):
                structure = getattr(hop, part)
                if structure is not None:
                    _write(folder / name / part, Question(structure.with_state(0, 1)), level)
            if hop.final is not None:
                write_vasp_neb(band(hop), level, folder / f"neb-{name}")


def band(hop: HopRecord, between: int = 1) -> list[AtomicStructure]:
    """Return images of a hop through its saddle, ``between`` of them on each side, evenly."""
    ends = [s for s in (hop.initial, hop.saddle, hop.final) if s is not None]
    images = [ends[0]]
    for first, last in pairwise(ends):
        cell = np.array(first.cell)
        start = np.array(first.positions)
        step = (np.array(last.positions) - start) @ np.linalg.inv(cell)
        step -= np.round(step)
        parts = (n / (between + 1) for n in range(1, between + 2))
        images += [first.with_positions(start + part * (step @ cell)) for part in parts]
    return images


def _plain(value: Any) -> Any:
    return value if isinstance(value, dict) else value.model_dump()


def _folder(name: str) -> str:
    return "".join(c if c.isalnum() or c in "+-" else "_" for c in name).strip("_")[:40] or "hop"


def read_vasp(arguments: dict[str, Any], kept: dict[str, Path]) -> Level:
    """Return the level under which the outputs of a step are read.

    Raises
    ------
    InputError
        If an ``order.txt`` beside an output does not list the atoms.
    """
    outputs: dict[str, list[int]] = {}
    for sha, path in kept.items():
        order = path.with_name("order.txt")
        if not order.exists():
            outputs[sha] = []
            continue
        listed = order.read_text(encoding="ascii").split()
        if not all(n.isdigit() for n in listed) or sorted(map(int, listed)) != list(
            range(len(listed))
        ):
            raise InputError(f"{order} does not list the atoms")
        outputs[sha] = [int(n) for n in listed]
    level = vasp_level(arguments["level"])
    return level.model_copy(update={"settings": {"outputs": outputs}})
