"""The frame around every calculation: identity, clock, memory, and failure as a result."""

from __future__ import annotations

import inspect
import os
import platform
import resource
import sys
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from mgscreen.core.documents import Document
from mgscreen.core.errors import MissingEngineError, ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.species import Species
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

D = TypeVar("D", bound=Document)
D_co = TypeVar("D_co", bound=Document, covariant=True)

REVISION = 1
"""Raised when a change to mgscreen itself changes values; part of every identity."""


class Calculation(Protocol[D_co]):
    """A calculation: callable, with a kind and an identity that is known before it runs."""

    kind: str
    document: type[Document]
    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> D_co:
        """Run it."""
        ...

    def identity(self, *args: Any, **kwargs: Any) -> str:
        """Hash of everything that can change the value of this call."""
        ...


def revive(value: Any) -> Any:
    """Turn plain JSON of a contract (structure, level, species) back into its model.

    A jobflow reference to a part of a document, such as ``job.output.structure``, resolves to a
    plain dictionary.
    """
    if isinstance(value, dict):
        for model, keys in _SHAPES:
            if keys <= value.keys():
                fields = {k: v for k, v in value.items() if not k.startswith("@")}
                return model.model_validate(fields)
    if isinstance(value, list):
        return [revive(v) for v in value]
    return value


_SHAPES: tuple[tuple[type[BaseModel], frozenset[str]], ...] = (
    (AtomicStructure, frozenset({"symbols", "positions"})),
    (Species, frozenset({"candidate", "components"})),
    (Level, frozenset({"engine", "method", "basis"})),
)


def code_versions(value: Any) -> dict[str, str]:
    """Return the version of each engine that the levels inside ``value`` name."""
    from mgscreen.engines.versions import engine_version

    found: dict[str, str] = {}

    def walk(item: Any) -> None:
        if isinstance(item, Level):
            found[item.engine] = engine_version(item.engine)
        elif isinstance(item, dict):
            for part in item.values():
                walk(part)
        elif isinstance(item, list | tuple):
            for part in item:
                walk(part)

    walk(value)
    return found


def calculation(
    kind: str, document: type[D], revision: int = 1
) -> Callable[[Callable[..., D]], Calculation[D]]:
    """Turn a function into a calculation.

    The function receives its own identity as keyword ``identity`` if it asks for one, to find its
    checkpoint folder (``runtime().workdir(identity)``). A ``ScientificFailureError`` or a missing
    engine becomes a failed document; any other exception is a defect and travels on.

    Parameters
    ----------
    kind
        Name, as the database stores it.
    document
        The model that it returns.
    revision
        Raise it when a change to this calculation changes its values.
    """

    def wrap(function: Callable[..., D]) -> Calculation[D]:
        signature = inspect.signature(function)
        takes_identity = "identity" in signature.parameters

        def identity(*args: Any, **kwargs: Any) -> str:
            bound = signature.bind_partial(*args, **kwargs)
            bound.apply_defaults()
            bound.arguments = {k: revive(v) for k, v in bound.arguments.items()}
            inputs = {k: v for k, v in bound.arguments.items() if k != "identity"}
            return digest(
                {
                    "kind": kind,
                    "revision": [REVISION, revision],
                    "codes": code_versions(inputs),
                    "inputs": inputs,
                }
            )

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> D:
            args = tuple(revive(a) for a in args)
            kwargs = {k: revive(v) for k, v in kwargs.items()}
            name = identity(*args, **kwargs)
            if takes_identity:
                kwargs["identity"] = name
            wall, cpu = time.perf_counter(), _cpu_seconds()
            try:
                result = function(*args, **kwargs)
            except (ScientificFailureError, MissingEngineError) as error:
                result = document(state="failed", reason=str(error))
                _inputs_of_failure(result, signature, args, kwargs)
            result.kind = kind
            result.input_hash = name
            result.wall_s = round(time.perf_counter() - wall, 4)
            result.cpu_s = round(_cpu_seconds() - cpu, 4)
            result.peak_memory_mb = round(_peak_memory_mb(), 1)
            result.host = platform.node()
            return result

        run.kind = kind  # type: ignore[attr-defined]
        run.document = document  # type: ignore[attr-defined]
        run.identity = identity  # type: ignore[attr-defined]
        return cast("Calculation[D]", run)

    return wrap


def _inputs_of_failure(
    result: Document, signature: inspect.Signature, args: Any, kwargs: Any
) -> None:
    for value in signature.bind_partial(*args, **kwargs).arguments.values():
        if isinstance(value, AtomicStructure) and result.structure is None:
            result.structure = value
        if isinstance(value, Level) and not result.level:
            result.level = str(value)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
