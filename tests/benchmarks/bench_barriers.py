"""Force calls of the saddle search against climbing bands, at the same barrier.

Every method gets the same hops (the shortest vacancy hop of each phase in the same supercell), the
same potential and the same target force, and pays for its endpoints. Ours pays for the verification
of the saddle and the way down besides. A band that another program makes is run by that program;
its endpoints are relaxed as that program does it, or with ASE's BFGS where it has no way of its
own. Calls are counted where the potential is asked for a new structure.

    python tests/benchmarks/bench_barriers.py [--output docs/benchmarks/barriers.md]

matcalc and nebwalk are measured where they are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.mep import NEB
from ase.optimize import BFGS, FIRE

from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.saddle import find_saddle
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.crystals import cell_policy, load_crystal
from mgscreen.structures.hops import Hop, vacancy_hops

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

PHASES = ("MgO", "MgBr2", "MgF2", "Mg2Ga5")
FMAX = 0.03
IMAGES = 5
STEPS = 150
TOLERANCE_EV = 0.010


class Counting(Calculator):
    """A calculator that counts the structures that it computes."""

    implemented_properties = ("energy", "forces", "free_energy", "stress")

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        copy = atoms.copy()
        copy.calc = self.inner
        energy = float(copy.get_potential_energy())
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": np.asarray(copy.get_forces(), dtype=float),
        }
        if "stress" in self.inner.implemented_properties:  # of the same evaluation
            self.results["stress"] = copy.get_stress()


@dataclass
class Row:
    """What one method found for one hop."""

    phase: str
    method: str
    barrier_ev: float | None
    backward_ev: float | None
    calls: int
    converged: bool
    note: str
    cpu_s: float


def ours(hop: Hop, inner: Any) -> tuple[float | None, float | None, int, bool, str]:
    """Search as `mgscreen run` does."""
    calculator = Counting(inner)
    atoms = hop.initial.to_ase()
    atoms.calc = calculator

    def evaluate(positions: np.ndarray) -> tuple[float, np.ndarray]:
        atoms.positions[:] = positions
        return float(atoms.get_potential_energy()), atoms.get_forces()

    found = find_saddle(
        evaluate, hop.initial, hop.final, hop.mobile, symmetric=hop.symmetric, fmax=FMAX
    )
    parts = ", ".join(f"{name} {n}" for name, n in found.calls.items())
    verified = "verified" if found.verified else "not verified"
    return (
        found.barrier_forward_ev,
        found.barrier_backward_ev,
        calculator.calls,
        found.converged,
        f"{verified}; {parts}",
    )


def relaxed(hop: Hop, calculator: Calculator) -> tuple[Atoms, Atoms]:
    """Relax both endpoints with ASE's BFGS."""
    ends = []
    for structure in (hop.initial, hop.final):
        atoms = structure.to_ase()
        atoms.calc = calculator
        BFGS(atoms, logfile=None).run(fmax=FMAX, steps=STEPS)
        ends.append(atoms)
    return ends[0], ends[1]


def band(optimizer: type) -> Callable:
    """Return ASE's climbing band with this optimiser."""

    def run(hop: Hop, inner: Any) -> tuple[float | None, float | None, int, bool, str]:
        calculator = Counting(inner)
        first, last = relaxed(hop, calculator)
        energies = first.get_potential_energy(), last.get_potential_energy()
        images = [first, *(first.copy() for _ in range(IMAGES)), last]
        neb = NEB(images, climb=True, method="improvedtangent", allow_shared_calculator=True)
        neb.interpolate("idpp", mic=True)
        for image in images[1:-1]:
            image.calc = Counting(inner)
        opt = optimizer(neb, logfile=None)
        done = opt.run(fmax=FMAX, steps=STEPS)
        top = max(image.get_potential_energy() for image in images[1:-1])
        calls = calculator.calls + sum(image.calc.calls for image in images[1:-1])
        note = "" if done else f"not in {STEPS} steps"
        return top - energies[0], top - energies[1], calls, bool(done), note

    return run


def matcalc(hop: Hop, inner: Any) -> tuple[float | None, float | None, int, bool, str]:
    """Run matcalc's NEBCalc, endpoints by its own relaxation."""
    import matcalc as mtc
    from pymatgen.io.ase import AseAtomsAdaptor

    calculator = Counting(inner)
    calc = mtc.NEBCalc(calculator, optimizer="BFGS", fmax=FMAX, max_steps=STEPS)
    ends = calc.calc_endpoints(hop.initial.to_ase(), hop.final.to_ase())
    first, last = (
        end["final_structure"]
        if not hasattr(end["final_structure"], "get_positions")
        else AseAtomsAdaptor.get_structure(end["final_structure"])
        for end in ends
    )
    before = calculator.calls
    found = calc.calc_images(first, last, n_images=IMAGES)
    barrier = float(found["barrier"])
    backward = barrier - float(found["reaction_energy"])
    # the shared calculator is asked again for the profile at the end: that is part of its price
    return (
        barrier,
        backward,
        calculator.calls,
        bool(found["converged"]),
        f"endpoints {before}; barrier of the fitted curve",
    )


def nebwalk(hop: Hop, inner: Any) -> tuple[float | None, float | None, int, bool, str]:
    """Run nebwalk's climbing band on endpoints relaxed with ASE's BFGS."""
    from NEBwalk import NEBRunConfig, run_neb_calculation

    calculator = Counting(inner)
    first, last = relaxed(hop, calculator)
    made: list[Counting] = []

    def factory() -> Counting:
        made.append(Counting(inner))
        return made[-1]

    config = NEBRunConfig(
        n_images=IMAGES,
        interpolation="idpp",
        climb=True,
        fmax=FMAX,
        max_steps=STEPS,
        climb_delay=20,
        verbose=False,
    )
    found = run_neb_calculation(first, last, factory, config)
    calls = calculator.calls + sum(one.calls for one in made)
    note = "" if found.converged else f"not in {STEPS} steps"
    return float(found.barrier), float(found.reverse_barrier), calls, bool(found.converged), note


METHODS: dict[str, Callable] = {
    "mgscreen": ours,
    "ASE CI-NEB, BFGS": band(BFGS),
    "ASE CI-NEB, FIRE": band(FIRE),
    "matcalc NEBCalc": matcalc,
    "nebwalk": nebwalk,
}
NEEDS = {"matcalc NEBCalc": "matcalc", "nebwalk": "NEBwalk"}


def measure(phase: str, methods: list[str], level: Level, supercell_a: float) -> list[Row]:
    crystal = load_crystal(phase, primitive=True)
    bulk = relax_crystal(crystal, level, cell_policy(crystal, level))
    hop = vacancy_hops(bulk.structure, "Mg", min_supercell_a=supercell_a)[0]
    inner = get_periodic_engine(level).calculator(hop.initial, Path(tempfile.mkdtemp()))
    rows = []
    for name in methods:
        cpu = time.process_time()
        try:
            barrier, backward, calls, done, note = METHODS[name](hop, inner)
        except Exception as error:  # noqa: BLE001 - another program's failure is a result
            barrier, backward, calls, done = None, None, 0, False
            note = f"{type(error).__name__}: {error}"[:120]
        seconds = time.process_time() - cpu
        row = Row(phase, name, barrier, backward, calls, done, note, round(seconds, 1))
        rows.append(row)
        sys.stderr.write(f"{len(hop.initial.symbols)} atoms {hop.distance_a:.2f} A {row}\n")
        sys.stderr.flush()
    return rows


def table(rows: list[Row], level: Level, supercell_a: float) -> str:
    about = (
        f"The shortest Mg vacancy hop of each phase, supercells of at least {supercell_a:g} "
        f"angstrom, `{level}`, forces below {FMAX} eV/angstrom, {IMAGES} moving images, at most "
        f"{STEPS} steps of a band. Calls include both endpoints; ours also include the check that "
        "the saddle has one negative curvature and leads down to both endpoints. Made by "
        "`python tests/benchmarks/bench_barriers.py --output docs/benchmarks/barriers.md`."
    )
    lines = ["# Force calls of a migration barrier", "", about, ""]
    methods = list(dict.fromkeys(r.method for r in rows))
    phases = list(dict.fromkeys(r.phase for r in rows))
    cell = {(r.phase, r.method): r for r in rows}
    lines += [f"| calls (barrier, eV) | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for phase in phases:
        parts = []
        for method in methods:
            r = cell.get((phase, method))
            if r is None:
                parts.append("not run")
                continue
            if r.barrier_ev is None:
                parts.append(f"failed: {r.note}")
                continue
            parts.append(
                f"{r.calls} ({r.barrier_ev:.3f}{'' if r.converged else ', not converged'})"
            )
        lines.append(f"| {phase} | {' | '.join(parts)} |")
    totals = [sum(r.calls for r in rows if r.method == m) for m in methods]
    lines.append(f"| all | {' | '.join(str(t) for t in totals)} |")
    lines += ["", *(against(methods[0], other, cell) for other in methods[1:])]
    lines += ["", "| phase | method | CPU s | note |", "|---|---|---|---|"]
    lines += [f"| {r.phase} | {r.method} | {r.cpu_s:.0f} | {r.note} |" for r in rows]
    return "\n".join(lines) + "\n"


def against(mine: str, other: str, cell: dict[tuple[str, str], Row]) -> str:
    """Compare the calls of two methods over the phases that both have run."""
    both = [p for p, m in cell if m == mine and (p, other) in cell]
    calls = [sum(cell[p, m].calls for p in both) for m in (mine, other)]
    apart = {
        p: ours_ev - theirs_ev
        for p in both
        if (ours_ev := cell[p, mine].barrier_ev) is not None
        and (theirs_ev := cell[p, other].barrier_ev) is not None
    }
    same = [p for p, d in apart.items() if abs(d) <= TOLERANCE_EV]
    text = f"- Against {other}: {calls[0] / max(1, calls[1]):.2f} of its calls"
    if same:
        equal = [sum(cell[p, m].calls for p in same) for m in (mine, other)]
        text += (
            f"; where both have the same barrier (within {1000 * TOLERANCE_EV:.0f} meV: "
            f"{', '.join(same)}) {equal[0] / max(1, equal[1]):.2f}"
        )
    others = [f"{p} {1000 * d:+.0f} meV" for p, d in apart.items() if p not in same]
    return f"{text}{'; another barrier: ' + ', '.join(others) if others else ''}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--methods", default=",".join(m for m in METHODS if "," not in m))
    parser.add_argument("--no-bands", action="store_true", help="leave ASE's bands out")
    parser.add_argument("--level", default="mlip:chgnet")
    parser.add_argument("--supercell", type=float, default=10.0)
    parser.add_argument("--raw", type=Path, help="rows as JSON lines; taken up where it was left")
    given = parser.parse_args()
    level = Level.parse(given.level)
    wanted = [m for m in given.methods.split(",") if m]
    if not given.no_bands:
        wanted[1:1] = [m for m in METHODS if "," in m]
    missing = [m for m in wanted if m in NEEDS and importlib.util.find_spec(NEEDS[m]) is None]
    for name in missing:
        sys.stderr.write(f"{name} is not installed: left out\n")
    wanted = [m for m in wanted if m not in missing]
    rows: list[Row] = []
    if given.raw and given.raw.exists():
        rows = [Row(**json.loads(line)) for line in given.raw.read_text().splitlines()]
    with use_runtime(Runtime(scratch=Path(tempfile.mkdtemp()))):
        for phase in given.phases.split(","):
            left = [m for m in wanted if not any((r.phase, r.method) == (phase, m) for r in rows)]
            for method in left:
                new = measure(phase, [method], level, given.supercell)
                rows += new
                if given.raw:
                    with given.raw.open("a") as file:
                        file.writelines(json.dumps(asdict(r)) + "\n" for r in new)
    order = {m: k for k, m in enumerate(METHODS)}
    # rows that were taken up may be of phases that were not asked for now
    phases = list(dict.fromkeys([*given.phases.split(","), *(r.phase for r in rows)]))
    rows.sort(key=lambda r: (phases.index(r.phase), order[r.method]))
    text = table(rows, level, given.supercell)
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
