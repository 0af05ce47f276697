"""A small taxonomy of errors, which says who has to act and what may be retried."""

from __future__ import annotations

from dataclasses import dataclass


class MgscreenError(Exception):
    """Base of all errors that mgscreen raises on purpose; its text is one sentence for a user."""

    exit_code = 1
    retryable = False


@dataclass(frozen=True)
class Location:
    """Where in a user's file something is wrong."""

    file: str
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        text = self.file
        if self.line is not None:
            text += f":{self.line}"
        if self.field:
            text += f": {self.field}"
        return text


class InputError(MgscreenError):
    """Bad input from a user: exit code 2, one sentence with file, line and field.

    Parameters
    ----------
    message
        What is wrong and what was expected, one sentence.
    location
        File, line and field, where known.
    """

    exit_code = 2

    def __init__(self, message: str, location: Location | None = None) -> None:
        self.message = message
        self.location = location
        super().__init__(f"{location}: {message}" if location else message)


class MissingEngineError(MgscreenError):
    """An engine or optional package is not installed; names the command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(f"{package} is not installed: run `pip install 'mgscreen[{extra}]'`")

    def __reduce__(self) -> tuple[type[MissingEngineError], tuple[str, str]]:
        return type(self), (self.package, self.extra)


class ScientificFailureError(MgscreenError):
    """A calculation ended without a number one may use (SCF, optimisation, geometry).

    It becomes a document with ``state="failed"`` and this text as its reason; it is not retried.
    """


class InfrastructureError(MgscreenError):
    """The machine failed, not the science (worker killed, node lost): may be retried."""

    retryable = True
