"""Files that were brought in from elsewhere, kept by what is in them."""

from __future__ import annotations

import hashlib
import re
import shutil
from typing import TYPE_CHECKING

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "imported"
_SHA = re.compile(r"[0-9a-f]{64}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(path: Path, files: Path) -> str:
    """Copy a file into ``files/imported`` under its SHA-256, with its ending; return the hash."""
    name = sha256_of(path)
    folder = files / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}{path.suffix}"
    if not target.exists():
        part = target.with_suffix(".part")
        shutil.copyfile(path, part)
        part.replace(target)
    return name


def imported_file(sha: str) -> Path:
    """Return a kept file of the running campaign.

    Raises
    ------
    ScientificFailureError
        If there is none, or what lies there is something else now.
    """
    files = runtime().files
    found = None
    if files is not None and _SHA.fullmatch(sha):
        found = next((files / FOLDER).glob(f"{sha}.*"), None)
    if found is None:
        raise ScientificFailureError(f"the imported file {sha[:12]} is not here")
    if sha256_of(found) != sha:
        raise ScientificFailureError(f"the imported file {sha[:12]} was changed")
    return found
