"""One sentence for what pydantic found wrong in a user's file: place, field, what was expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from mgscreen.campaign.base import FieldError
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from mgscreen.campaign.sourcemap import Path, SourceMap

NAME_RULE = "a name of 1 to 64 letters, digits and _ . + -, starting with a letter or digit"

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": NAME_RULE,
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
}


def input_error(
    error: ValidationError, source: SourceMap, model: type[BaseModel], at: Path = ()
) -> InputError:
    """Turn a validation error into the one sentence that helps most.

    An unknown key comes first, since it explains a missing one; then the order of the file.

    Parameters
    ----------
    error
        What pydantic raised.
    source
        The text that was read.
    model
        The model that was validated, to name the known keys.
    at
        Where in the text the validated table stands; the root by default.
    """
    base: Any = source.data
    for part in at:
        base = base[part]
    faults: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        faults.setdefault(_real_path(detail, base), []).append(detail)

    def order(path: Path) -> tuple[bool, float]:
        unknown = any(d["type"] == "extra_forbidden" for d in faults[path])
        line = source.locate(*at, *path).line
        return (not unknown, float("inf") if line is None else line)

    # of a union ("a list of names, or 'all'") the branch that came further knows more
    deepest = [p for p in faults if not any(q != p and q[: len(p)] == p for q in faults)]
    path = min(deepest, key=order)
    message = _sentence(faults[path], path, model)
    return InputError(message, source.locate(*at, *path))


def did_you_mean(name: str, known: Iterable[str], *, what: str = "known") -> str:
    """Return a hint in parentheses: the nearest known name, or all of them where none is near."""
    from rapidfuzz import fuzz, process, utils

    names = list(known)
    match = process.extractOne(
        name, names, scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=60
    )
    if match is not None:
        return f"did you mean '{match[0]}'?"
    return f"{what}: {', '.join(names)}"


def shown(value: Any) -> str:
    """Write a user's value on one short line."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        text = str(value) if isinstance(value, float) or value.bit_length() < 200 else "a huge one"  # noqa: PLR2004 - any short number
    else:
        try:
            text = json.dumps(value, default=str, ensure_ascii=True)
        except (ValueError, RecursionError):
            text = type(value).__name__
    limit = 60
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _real_path(detail: ErrorDetails, data: Any) -> Path:
    """Drop what pydantic adds to a location: the branch of a union, '[key]'."""
    path: Path = ()
    here = data
    for n, part in enumerate(detail["loc"]):
        inside = (isinstance(here, dict) and part in here) or (
            isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
        )
        if inside:
            here = here[part]
            path = (*path, part)
        elif n == len(detail["loc"]) - 1 and detail["type"] == "missing":
            path = (*path, part)
    fault = detail.get("ctx", {}).get("error")
    return (*path, *fault.path) if isinstance(fault, FieldError) else path


def _sentence(details: list[ErrorDetails], path: Path, model: type[BaseModel]) -> str:
    detail = details[0]
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        return f"unknown key {shown(str(path[-1]))} ({did_you_mean(str(path[-1]), known)})"
    if kind == "missing":
        return f"'{path[-1]}' is missing{_described(model, path)}"
    if kind == "value_error":
        return str(context["error"])
    wanted = list(dict.fromkeys(_expected(d) for d in details))
    text = f"expected {' or '.join(wanted)}, got {shown(detail['input'])}"
    if kind == "literal_error" and isinstance(detail["input"], str) and len(details) == 1:
        hint = did_you_mean(detail["input"], _choices(str(context["expected"])))
        if hint.startswith("did"):
            text += f" ({hint})"
    return text


def _expected(detail: ErrorDetails) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"a number {word} {context[key]}"
    if kind == "literal_error":
        choices = str(context["expected"])
        return f"one of {choices}" if "," in choices or " or " in choices else choices
    if kind in {"too_short", "too_long"}:
        bound = "at least" if kind == "too_short" else "at most"
        limit = context["min_length" if kind == "too_short" else "max_length"]
        return f"a list of {bound} {limit} element{'s' if limit != 1 else ''}"
    if kind == "string_too_long":
        return f"text of at most {context['max_length']} characters"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _choices(expected: str) -> list[str]:
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Follow a path of keys and indices through nested models."""
    here: type[BaseModel] | None = model
    for part in path:
        if here is None:
            return None
        if isinstance(part, int):
            continue
        info = here.model_fields.get(part)
        here = None if info is None else _model_in(info.annotation)
    return here


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    table = _model_at(model, path)
    return [] if table is None else list(table.model_fields)


def _described(model: type[BaseModel], path: Path) -> str:
    table = _model_at(model, path[:-1])
    info = None if table is None else table.model_fields.get(str(path[-1]))
    return f": {info.description}" if info is not None and info.description else ""
