"""Reads that are remembered while many questions are asked of the same results."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mgscreen.database.database import Database

P = ParamSpec("P")
T = TypeVar("T")

_answers: ContextVar[dict[Any, Any] | None] = ContextVar("answers", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Give the same answer to the same question until the end, whatever others write meanwhile.

    A report asks for the same rows dozens of times; all of its parts then speak of the same state.
    """
    token = _answers.set({} if _answers.get() is None else _answers.get())
    try:
        yield
    finally:
        _answers.reset(token)


def remembered(
    function: Callable[Concatenate[Database, P], T],
) -> Callable[Concatenate[Database, P], T]:
    """Let a function of a database answer once for each set of arguments within ``remembering``.

    Frames are handed out as copies; other answers must not be changed by those who get them.
    """

    @wraps(function)
    def ask(database: Database, *args: P.args, **kwargs: P.kwargs) -> Any:
        answers = _answers.get()
        if answers is None:
            return function(database, *args, **kwargs)
        key = (function, id(database), repr((args, sorted(kwargs.items()))))
        if key not in answers:
            answers[key] = function(database, *args, **kwargs)
        found: Any = answers[key]
        return found.copy() if hasattr(found, "columns") else found

    return cast("Callable[Concatenate[Database, P], T]", ask)
