"""The steps of an optimisation on disk, so that a killed one goes on and ends in the same numbers.

An optimiser is deterministic: asked again for the same start it visits the same points. So no
optimiser state is stored, only the answers that it received. After a kill it starts at the first
step, gets the stored answers at no cost, and goes on computing where they end. The result is that
of an undisturbed run, to the last digits that linear algebra gives twice alike.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Evaluate = Callable[[int, Array], tuple[float, Array]]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file such that a reader, or a kill, never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)  # noqa: PTH105 - atomic within one folder
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise


SAME_A = 1e-7
"""Points nearer than this are one point, angstrom: the last digits of linear algebra depend on
where a process has its memory."""


class Steps:
    """Every point of an optimisation: positions (angstrom), energy (eV), forces (eV/angstrom).

    Parameters
    ----------
    path
        Where the steps lie, one JSON line each.
    key
        Identity of the optimisation; a file of another one is not read.
    evaluate
        Number of the point and positions, shape (n, 3), to energy and forces.
    """

    def __init__(self, path: Path, key: str, evaluate: Evaluate) -> None:
        self.path = path
        self.key = key
        self.evaluate = evaluate
        self.energies: list[float] = []
        self.positions: list[Array] = []
        self.forces: list[Array] = []
        self.read = 0
        """how many of the steps came from disk"""
        self.asked = 0
        self.whole = False
        """whether the file holds exactly the steps in memory, so that a line can be appended"""
        self._load()

    def _load(self) -> None:
        if not self.path.exists():
            return
        text = self.path.read_text()
        lines = text.splitlines()
        try:
            if json.loads(lines[0])["key"] != self.key:
                return
        except (ValueError, KeyError, IndexError, TypeError):
            return
        for line in lines[1:]:
            try:
                step = json.loads(line)
                energy, positions = float(step["energy"]), np.array(step["positions"], dtype=float)
                forces = np.array(step["forces"], dtype=float)
            except (ValueError, KeyError, TypeError):
                break  # the line that a kill cut off
            self.energies.append(energy)
            self.positions.append(positions)
            self.forces.append(forces)
        self.whole = len(self.energies) == len(lines) - 1 and text.endswith("\n")
        self.read = len(self.energies)

    def __call__(self, positions: Array) -> tuple[float, Array]:
        """Return energy and forces at ``positions``, from disk where they were computed before."""
        number = self.asked
        self.asked += 1
        if number < len(self.energies):
            stored = self.positions[number]
            if stored.shape == positions.shape and np.abs(stored - positions).max() < SAME_A:
                return self.energies[number], self.forces[number]
            # Another machine rounds differently: the stored path is left where it parts from ours.
            del self.energies[number:], self.positions[number:], self.forces[number:]
            self.whole = False
        energy, forces = self.evaluate(number, positions)
        self.energies.append(energy)
        self.positions.append(np.array(positions, dtype=float))
        self.forces.append(np.array(forces, dtype=float))
        self._save()
        return energy, forces

    def _save(self) -> None:
        rows = [json.dumps({"key": self.key})]
        rows += [
            json.dumps({"energy": e, "positions": p.tolist(), "forces": f.tolist()})
            for e, p, f in zip(self.energies, self.positions, self.forces, strict=True)
        ]
        if self.whole:
            with self.path.open("a") as file:
                file.write(rows[-1] + "\n")
        else:
            write_atomically(self.path, ("\n".join(rows) + "\n").encode())
            self.whole = True
