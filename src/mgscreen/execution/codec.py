"""Decode jobflow's JSON without letting it import or call whatever it names.

jobflow writes a job as JSON in which functions and classes stand by their import path, and reads
it back by importing them. A database that came from elsewhere must not be able to name
``os.system`` there: each path is checked against the packages that the caller allows, and the
object that it leads to must itself come from one of them.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jobflow.core.job import Job

PACKAGES = ("jobflow", "mgscreen")
"""Packages whose functions and classes a job may name."""
_DATA = {
    ("builtins", "float"),
    ("datetime", "datetime"),
    ("numpy", "array"),
    ("pathlib", "Path"),
    ("uuid", "UUID"),
}
"""Plain data that monty rebuilds without importing what the JSON names."""


class UnsafeContentError(InputError):
    """JSON names a function or class of a package that is not allowed."""


def encode(value: Any) -> str:
    """Write JSON as jobflow does: what is no JSON type with its import path."""
    from monty.json import MontyEncoder

    return json.dumps(value, cls=MontyEncoder)


def encode_finite(value: Any) -> str:
    """Write JSON as ``encode`` does; the writer is made once, which is half of the time.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return str(_encoder().encode(value))


@cache
def _encoder() -> Any:
    from monty.json import MontyEncoder

    return MontyEncoder(allow_nan=False)


def check(value: Any, modules: Iterable[str] = ()) -> None:
    """Refuse JSON that names anything outside the allowed packages.

    Parameters
    ----------
    value
        Parsed JSON.
    modules
        Packages or modules allowed besides ``PACKAGES``.

    Raises
    ------
    UnsafeContentError
        With the name that is not allowed.
    """
    allowed = (*PACKAGES, *modules)
    todo = [value]
    seen: set[tuple[str, str]] = set()
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "@module" in item:
                _check_names(item, allowed, seen)
            todo.extend(v for v in item.values() if isinstance(v, dict | list))
        elif isinstance(item, list):
            todo.extend(v for v in item if isinstance(v, dict | list))


def _check_names(
    item: Mapping[str, Any], allowed: tuple[str, ...], seen: set[tuple[str, str]]
) -> None:
    module = item["@module"]
    names = [item[key] for key in ("@class", "@callable") if key in item]
    if not isinstance(module, str) or not all(isinstance(name, str) for name in names):
        raise UnsafeContentError("JSON names a module or class by something that is no text")
    for name in names or [""]:
        if (module, name) in _DATA and "@class" in item:
            continue
        if (module, name) in seen:
            continue
        _resolve(module, name, allowed, bound=item.get("@bound") is not None)
        seen.add((module, name))


def _inside(module: str, allowed: Iterable[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in allowed)


def _resolve(module: str, name: str, allowed: tuple[str, ...], *, bound: bool = False) -> Any:
    """Import ``module`` and walk to ``name``; the way and the end must be allowed."""
    label = f"{module}.{name}" if name else module
    if not _inside(module, allowed):
        raise UnsafeContentError(
            f"'{label}' is not allowed in a job: expected something of {', '.join(allowed)}"
        )
    if any(part.startswith("_") for part in name.split(".")) or not name:
        raise UnsafeContentError(f"'{label}' is not allowed in a job: it is private")
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
            if inspect.ismodule(found):
                raise UnsafeContentError(f"'{label}' is not allowed in a job: it leaves {module}")
    except (ImportError, AttributeError) as error:
        if bound:
            # an attribute of the instance itself, whose class is checked on its own
            return None
        raise UnsafeContentError(f"'{label}' cannot be imported: {error}") from None
    home = getattr(found, "__module__", None)
    if not callable(found) or not _inside(str(home), allowed):
        raise UnsafeContentError(
            f"'{label}' is not allowed in a job: it is no function or class of {module}"
        )
    return found


def decode(value: Any, modules: Iterable[str] = ()) -> Any:
    """Rebuild the objects in parsed JSON, checked first.

    Raises
    ------
    UnsafeContentError
        If it names anything outside the allowed packages.
    """
    from monty.json import MontyDecoder

    check(value, modules)
    return MontyDecoder().process_decoded(value)


def decode_job(value: Mapping[str, Any], modules: Iterable[str] = ()) -> Job:
    """Rebuild a jobflow ``Job`` from parsed JSON, checked first.

    Raises
    ------
    UnsafeContentError
        If it names anything outside the allowed packages, or is no job.
    """
    from jobflow.core.job import Job

    found = decode(dict(value), modules)
    if not isinstance(found, Job):
        raise UnsafeContentError("a job's payload does not hold a jobflow Job")
    return found


def load_function(value: Any, modules: Iterable[str] = ()) -> Callable[..., Any] | None:
    """Return the plain function that a job names, or None for a method or what is not there.

    Raises
    ------
    UnsafeContentError
        If it is outside the allowed packages.
    """
    if not isinstance(value, dict) or "@callable" not in value or value.get("@bound") is not None:
        return None
    found = _resolve(str(value["@module"]), str(value["@callable"]), (*PACKAGES, *modules))
    return found if callable(found) else None
