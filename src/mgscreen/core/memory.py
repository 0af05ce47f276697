"""Memory of a process that holds very many small objects."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the search for reference cycles while many objects without cycles are made.

    The search goes over all objects again and again as their number grows, which for a campaign of
    100,000 jobs takes longer than making them.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
