"""Which processor a level computes on, and whether it is there.

A level names it in its settings: ``device = "gpu"`` for PySCF (run by gpu4pyscf: R. Li et al.,
arXiv:2407.09700; X. Wu et al., arXiv:2404.09452), ``device = "cuda"`` for potentials.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InfrastructureError, MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mgscreen.engines.level import Level

GPU = ("gpu", "cuda")
"""How the settings of a level say that it needs a GPU; ``cuda:1`` and the like do so too."""


def needs_gpu(settings: Mapping[str, Any]) -> bool:
    """Return whether the settings of a level ask for a GPU."""
    return str(settings.get("device", "cpu")).partition(":")[0] in GPU


def require_gpu4pyscf() -> None:
    """Check that gpu4pyscf is installed; it is not imported, since that needs a GPU.

    Raises
    ------
    MissingEngineError
        With the command that installs it.
    """
    if find_spec("gpu4pyscf") is None or find_spec("cupy") is None:
        raise MissingEngineError("gpu4pyscf", "gpu")


def require_cupy_device() -> None:
    """Check that gpu4pyscf is installed and CuPy finds a device.

    Raises
    ------
    MissingEngineError
        If gpu4pyscf is not installed.
    InfrastructureError
        If there is no CUDA device, or none that CuPy can use.
    """
    require_gpu4pyscf()
    import cupy

    try:
        found = int(cupy.cuda.runtime.getDeviceCount())
    except Exception as error:
        raise InfrastructureError(_no_device(str(error))) from error
    if not found:
        raise InfrastructureError(_no_device("none is visible"))


def require_torch_device() -> None:
    """Check that this build of torch finds a CUDA device.

    Raises
    ------
    InfrastructureError
        If there is no CUDA device, or torch is a build for CPUs alone.
    """
    import torch

    if torch.cuda.is_available():
        return
    if torch.version.cuda is None:
        raise InfrastructureError(
            "torch is a build for CPUs alone: run `pip install --force-reinstall torch "
            "--index-url https://download.pytorch.org/whl/cu126` (or your CUDA's), "
            'or leave device = "cpu"'
        )
    raise InfrastructureError(_no_device("torch sees none"))


def require_device(level: Level) -> None:
    """Check that what a level asks to compute on is on this machine.

    Raises
    ------
    MissingEngineError
        If gpu4pyscf is not installed.
    InfrastructureError
        If the level asks for a GPU, and there is none.
    """
    if not needs_gpu(level.settings):
        return
    if level.engine == "pyscf":
        require_cupy_device()
    elif level.engine == "mlip":
        require_torch_device()


def _no_device(why: str) -> str:
    return (
        f"there is no CUDA device here ({why.strip().rstrip('.')}): run it on a node with a GPU, "
        'or leave device = "cpu"'
    )
