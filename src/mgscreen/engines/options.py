"""The settings of an engine: its defaults, filled in, and refused where they are wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mgscreen.core.errors import InputError


@dataclass(frozen=True)
class Option:
    """One setting.

    Attributes
    ----------
    default
        Value where a level gives none.
    kinds
        Accepted Python types.
    expected
        What is accepted, as a user reads it in an error.
    low, high
        Limits of a number, inclusive.
    choices
        The only accepted values, if there is a list.
    pattern
        Regular expression of a text.
    """

    default: Any
    kinds: tuple[type, ...]
    expected: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    pattern: str | None = None

    def accepts(self, value: Any) -> bool:
        """Return whether ``value`` is of the right kind and within the limits."""
        if isinstance(value, bool) and bool not in self.kinds:
            return False
        if not isinstance(value, self.kinds):
            return False
        if self.choices is not None and value not in self.choices:
            return False
        if isinstance(value, str) and self.pattern is not None:
            return re.fullmatch(self.pattern, value) is not None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (self.low is None or value >= self.low) and (
                self.high is None or value <= self.high
            )
        return True


def fill(engine: str, options: dict[str, Option], given: dict[str, Any]) -> dict[str, Any]:
    """Return every setting of an engine, with the defaults filled in.

    Raises
    ------
    InputError
        Naming the known settings, if ``given`` has an unknown one or one of the wrong kind.
    """
    for key, value in given.items():
        option = options.get(key)
        if option is None:
            known = ", ".join(sorted(options))
            raise InputError(f"the engine '{engine}' has no setting '{key}' (known: {known})")
        if not option.accepts(value):
            raise InputError(
                f"the setting '{key}' of the engine '{engine}' is {value!r}, "
                f"expected {option.expected}"
            )
    return {key: given.get(key, option.default) for key, option in options.items()}


def positive(default: float, expected: str, high: float | None = None) -> Option:
    """Return an option for a number above zero."""
    return Option(default, (int, float), expected, low=1e-14, high=high)


def count(default: int, expected: str, low: int = 1, high: int | None = None) -> Option:
    """Return an option for a whole number."""
    return Option(default, (int,), expected, low=low, high=high)
