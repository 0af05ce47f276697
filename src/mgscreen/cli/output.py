"""Print rows as a table, CSV or JSON; JSON is a list of objects with stable fields."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from mgscreen.cli.failures import one_line
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.table import Table

Row = Mapping[Any, Any]
"""By field; pandas gives keys of any type."""
WIDE = 100_000
"""Columns of what is no terminal: a row in a file or a pipe is one line."""
PAGE = 140
"""The same for tables with sentences in them."""


def emit(
    rows: Iterable[Row],
    fields: Sequence[str],
    how: str,
    *,
    title: str = "",
    columns: Sequence[str] | None = None,
    width: int = WIDE,
) -> None:
    """Print rows on stdout.

    Parameters
    ----------
    rows
        One mapping per row.
    fields
        Fields of CSV and JSON, in order; every row has all of them, ``None`` where it says nothing.
    how
        ``table``, ``csv`` or ``json``.
    title
        Heading of the table.
    columns
        Fields that the table shows; all by default.
    width
        Of the table where the output is no terminal.
    """
    listed = [{f: plain(row.get(f)) for f in fields} for row in rows]
    if how == "json":
        sys.stdout.write(as_json(listed))
    elif how == "csv":
        sys.stdout.write(as_csv(listed, fields))
    elif not listed:
        sys.stdout.write("nothing\n")
    else:
        show(table(listed, columns or fields, title=title), width)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place when all went well.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: the file cannot be written ({reason})") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path | None) -> Iterator[None]:
    """Send what is printed on stdout to a file, whole or not at all; None: leave it on stdout."""
    if path is None:
        yield
        return
    buffer = io.StringIO()
    with redirect_stdout(buffer):
        yield
    with replacing(path) as part:
        part.write_text(buffer.getvalue(), encoding="utf-8")


def as_json(value: Any) -> str:
    """Write JSON text; no NaN in it."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(rows: Iterable[Row], fields: Sequence[str]) -> str:
    """Write CSV text with a header; no text in it that a spreadsheet would run as a formula."""
    from mgscreen.database.export import harmless

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(fields), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({f: harmless(_flat(row.get(f))) for f in fields})
    return buffer.getvalue()


def table(rows: Sequence[Row], columns: Sequence[str], *, title: str = "") -> Table:
    """Lay rows out as a rich table; texts are shown as they are, never as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    result = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numeric = any(isinstance(row.get(column), int | float) for row in rows)
        result.add_column(
            Text(column.replace("_", " ")),
            justify="right" if numeric else "left",
            overflow="fold",
        )
    for row in rows:
        result.add_row(*(Text(cell(row.get(column))) for column in columns))
    return result


def show(what: RenderableType, width: int = WIDE) -> None:
    """Print on stdout; without trailing blanks where that is no terminal."""
    target = console(width)
    if sys.stdout.isatty():
        target.print(what)
        return
    with target.capture() as capture:
        target.print(what)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def console(width: int = WIDE) -> Console:
    """Return a rich console on stdout; where that is no terminal, of the given width."""
    from rich.console import Console

    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else width, highlight=False)


def cell(value: Any) -> str:
    """Write one value for people."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e-3 and value != 0 else f"{value:,.3f}"  # noqa: PLR2004 - digits
    if isinstance(value, list | tuple | dict):
        return one_line(_flat(value))
    return one_line(str(value))


def value_or_text(value: Any, text: Any) -> Any:
    """Return what a table shows of a value and its text: one of them, or ``4.840 (unbound)``."""
    number, words = plain(value), plain(text)
    if number is None or words is None:
        return words if number is None else number
    return f"{cell(number)} ({words})"


def plain(value: Any) -> Any:  # noqa: PLR0911 - one return per type
    """Reduce a value to what JSON has; NaN and infinity become None."""
    if value is None or isinstance(value, bool | str | int):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):  # and datetime; pandas.NaT is one that is not equal to itself
        return value.isoformat() if value == value else None  # noqa: PLR0124 - NaT
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Iterable):
        return [plain(v) for v in value]
    return None if type(value).__name__ in {"NAType", "NaTType"} else str(value)


def duration(seconds: float) -> str:
    """Write a time for people: ``45 s``, ``12 min``, ``3.5 h``."""
    minute, hour = 60, 3600
    if seconds < 2 * minute:
        return f"{seconds:.0f} s"
    if seconds < 2 * hour:
        return f"{seconds / minute:.0f} min"
    return f"{seconds / hour:.1f} h"


def _flat(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(v, str | int | float) for v in value):
        return "; ".join(str(v) for v in value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return value
