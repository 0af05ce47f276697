"""Make the OpenBLAS inside PySCF's wheel use the vector units of the processor.

PySCF 2.14's Linux wheel ships OpenBLAS 0.3.3 (2018), which does not know later AMD processors and
falls back to SSE2 kernels: matrix products then run at half the speed (measured on an EPYC: 15
against 31 GFLOP/s), and so does a hybrid functional. OpenBLAS reads the core type from the
environment when it is loaded, so the package ``mgscreen.engines`` calls ``choose`` when it is
imported. It changes no value; a core type that the user set is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"


def core_type(cpuinfo: str) -> str | None:
    """Return the OpenBLAS core type to ask for, or None to leave the choice to OpenBLAS.

    Parameters
    ----------
    cpuinfo
        Text of ``/proc/cpuinfo``.
    """
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    fields = {key.strip(): value.strip() for key, _, value in lines}
    flags = set(fields.get("flags", "").split())
    if fields.get("vendor_id") == "AuthenticAMD" and {"avx2", "fma"} <= flags:
        return "Zen"
    return None


def choose() -> None:
    """Set the core type in this process's environment, where that helps."""
    if VARIABLE in os.environ:
        return
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return
    kind = core_type(text)
    if kind is not None:
        os.environ[VARIABLE] = kind
