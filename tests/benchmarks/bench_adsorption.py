"""Force calls of the staged search against relaxing every site and orientation from scratch.

Both start from the same sites and orientations. "From scratch" relaxes each start to the end from
the slab as it was cut, with ASE's BFGS as it is; the staged search is what `mgscreen run` does.

    python tests/benchmarks/bench_adsorption.py [--output docs/benchmarks/adsorption.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from mgscreen.calculations.adsorption_search import Search
from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.slab import clean_slab, with_force
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.structures.crystals import load_crystal
from mgscreen.structures.fragments import fragment

SITES = ("top", "bridge", "hcp", "fcc", "subsurface")
FMAX = 0.02


def measure(names: list[str], level: Level, size: int, orientations: int) -> list[dict]:
    bulk = relax_crystal(load_crystal("Mg", primitive=True), level)
    slab = clean_slab(bulk.structure, with_force(level, FMAX), supercell=(size, size))
    rows = []
    for name in names:
        row = {"fragment": name}
        for how, clean in (("quick", slab.structure), ("thorough", slab.cut)):
            folder = Path(tempfile.mkdtemp())
            search = Search(slab.as_slab(), clean, level, folder, fmax=FMAX)
            starts = search.starts(fragment(name), SITES, orientations)
            cpu = time.process_time()
            found = getattr(search, how)(starts)
            best = found.ends[0]
            row |= {
                "starts": len(starts),
                f"{how}_calls": found.force_calls + (slab.steps if how == "quick" else 0),
                f"{how}_cpu": time.process_time() - cpu,
                f"{how}_ev": best.energy_ev,
                f"{how}_site": search.place(best).name,
            }
        rows.append(row)
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
    return rows


def table(rows: list[dict], level: Level, size: int, orientations: int) -> str:
    quick, thorough = (sum(r[f"{h}_calls"] for r in rows) for h in ("quick", "thorough"))
    about = (
        f"Mg(0001) p({size}x{size}), four layers, `{level}`, {orientations} orientations of a "
        f"molecule, forces below {FMAX} eV/angstrom, one core. From scratch: every start to the "
        "end, from the slab as it was cut, with ASE's BFGS as it is. Made by "
        "`python tests/benchmarks/bench_adsorption.py --output docs/benchmarks/adsorption.md`."
    )
    head = (
        "| fragment | starts | calls from scratch | calls staged | ratio | best site from scratch "
        "/ staged | difference of the best energy, meV |"
    )
    lines = ["# Force calls of the adsorption search", "", about, "", head, "|---" * 7 + "|"]
    lines += [
        f"| {r['fragment']} | {r['starts']} | {r['thorough_calls']} | {r['quick_calls']} | "
        f"{r['quick_calls'] / r['thorough_calls']:.2f} | {r['thorough_site']} / {r['quick_site']} "
        f"| {1000 * (r['quick_ev'] - r['thorough_ev']):+.1f} |"
        for r in rows
    ]
    lines.append(f"| all | | {thorough} | {quick} | {quick / thorough:.2f} | | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--fragments", default="F,O,Cl,CH3O,SO2")
    parser.add_argument("--level", default="mlip:chgnet")
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--orientations", type=int, default=2)
    given = parser.parse_args()
    level = Level.parse(given.level)
    with use_runtime(Runtime(scratch=Path(tempfile.mkdtemp()))):
        rows = measure(given.fragments.split(","), level, given.size, given.orientations)
    text = table(rows, level, given.size, given.orientations)
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
