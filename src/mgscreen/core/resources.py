"""Find the data folders (`structures`, `workflows`, `results/reference`, `hpc`).

They lie at the top of a checkout and, by the build backend, inside the wheel.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def data_path(*parts: str) -> Path:
    """Return the path of a data file, in the wheel or in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither holds it.
    """
    for root in (_PACKAGE / "data", _PACKAGE.parent.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    msg = f"mgscreen's data file {'/'.join(parts)} is missing: the installation is incomplete"
    raise FileNotFoundError(msg)
