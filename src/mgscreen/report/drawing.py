"""A process that draws a Vega-Lite specification: the renderer would hold up all of Python.

``python -m mgscreen.report.drawing`` reads JSON with ``spec``, ``version`` (of Vega-Lite), ``svg``
and ``png`` (paths) from its standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mgscreen.core.errors import InfrastructureError


def draw_apart(spec: dict[str, Any], version: str, svg: Path, png: Path) -> None:
    """Write a specification as SVG and PNG, in a process of its own.

    Raises
    ------
    InfrastructureError
        If it cannot be drawn.
    """
    given = {"spec": spec, "version": version, "svg": str(svg), "png": str(png)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mgscreen.report.drawing"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise InfrastructureError(f"{svg} cannot be drawn: {words[-1] if words else 'no reason'}")


def main() -> None:
    """Draw what standard input asks for; fonts and renderer are in the package vl-convert."""
    import vl_convert

    given = json.load(sys.stdin)
    svg = vl_convert.vegalite_to_svg(given["spec"], given["version"])
    Path(given["svg"]).write_text(svg, encoding="utf-8")
    Path(given["png"]).write_bytes(vl_convert.svg_to_png(svg, ppi=144))


if __name__ == "__main__":
    main()
