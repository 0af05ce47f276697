from __future__ import annotations

import pytest

from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure


@pytest.fixture
def water() -> AtomicStructure:
    return AtomicStructure(
        symbols=("O", "H", "H"),
        positions=((0.0, 0.0, 0.12), (0.0, 0.76, -0.48), (0.0, -0.76, -0.48)),
    )


@pytest.fixture(autouse=True)
def _one_thread():
    with use_runtime(Runtime(threads=1)):
        yield
