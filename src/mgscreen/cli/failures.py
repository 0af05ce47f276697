"""What a user is told when a verb ends early: one sentence on stderr, and the exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

import typer

from mgscreen.core.errors import MgscreenError

INTERRUPTED = 130
"""128 + SIGINT, as shells have it"""


def belongs_to_typer(error: BaseException) -> bool:
    """Tell whether typer ends the command itself: usage errors print themselves."""
    return isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "show")


def unexpected(error: BaseException) -> bool:
    """Tell whether this is a defect, and not something that mgscreen reports on purpose."""
    return not isinstance(error, MgscreenError | KeyboardInterrupt | BrokenPipeError)


def tell(error: BaseException) -> int:
    """Print the one sentence and return the exit code."""
    if isinstance(error, BrokenPipeError):
        # the reader (head, less) has enough; nothing may be written any more, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, KeyboardInterrupt):
        say("interrupted; run the same command to go on")
        return INTERRUPTED
    if isinstance(error, MgscreenError):
        say(f"error: {error}")
        return error.exit_code
    place = _log(error)
    say(
        f"error: mgscreen failed on {type(error).__name__}: {error} "
        f"(a defect; the traceback is in {place})"
    )
    return 1


def say(text: str) -> None:
    """Print one line on stderr, whatever is in the text."""
    line = one_line(text)
    encoding = sys.stderr.encoding or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def one_line(text: str) -> str:
    """Put a text on one line; characters that a terminal would act on become '?'."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def _log(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="mgscreen-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(text)
    except OSError:
        return "no file, since none could be written; --debug shows it"
    return file.name
