"""Write a frame as table, CSV, JSON or parquet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Literal, get_args

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

Format = Literal["table", "csv", "json", "parquet"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are.

    A text that starts with ``= + - @``, a tab or a carriage return gets an apostrophe in front,
    which spreadsheets show as nothing.
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return "'" + cell
    return cell


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: nothing for NaN and NaT, ISO 8601 for times."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if type(value).__name__ == "NAType":  # of pandas: neither equal nor unequal to anything
        return None
    plain: Any = str(value)
    if value is None or value != value or value in _INFINITE:  # noqa: PLR0124 - NaN and NaT
        plain = None
    elif hasattr(value, "isoformat"):
        plain = value.isoformat()
    elif isinstance(value, bytes | memoryview):
        plain = bytes(value).hex()
    elif isinstance(value, str | int | float | bool):
        plain = value
    return plain


_INFINITE = (float("inf"), float("-inf"))


def to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain JSON objects."""
    columns = [str(c) for c in frame.columns]
    return [
        dict(zip(columns, map(_plain, row), strict=True))
        for row in frame.astype(object).itertuples(index=False, name=None)
    ]


def to_csv(frame: pd.DataFrame) -> str:
    """Return CSV (RFC 4180 quoting) whose texts no spreadsheet runs as formulas."""
    rows: list[list[object]] = [[harmless(str(c)) for c in frame.columns]]
    cells = frame.astype(object).itertuples(index=False, name=None)
    rows += [[harmless(_cell(value)) for value in row] for row in cells]
    # the writer quotes a carriage return only where it ends lines with one
    returns = any(isinstance(cell, str) and "\r" in cell for row in rows for cell in row)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n" if returns else "\n").writerows(rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, dict | list) else plain


def to_json(frame: pd.DataFrame) -> str:
    """Return a JSON list of objects; a missing value is null."""
    return json.dumps(to_records(frame), indent=1, ensure_ascii=False, allow_nan=False)


def to_table(frame: pd.DataFrame, width: int | None = None) -> str:
    """Return a table for a terminal; markup in values is shown, not followed."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for column in frame.columns:
        numeric = frame[column].dtype.kind in "iuf" if frame.columns.is_unique else False
        table.add_column(Text(str(column)), justify="right" if numeric else "left")
    for record in frame.astype(object).itertuples(index=False, name=None):
        table.add_row(*(Text(_shown(v)) for v in record))
    console = Console(file=io.StringIO(), width=width or 160, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _shown(value: Any) -> str:
    plain = _cell(value)
    if plain is None:
        return ""
    if isinstance(plain, float):
        return f"{plain:.6g}"
    # control characters could move the cursor of a terminal
    return "".join(c if c.isprintable() else " " for c in str(plain))


def render(frame: pd.DataFrame, form: Format) -> str:
    """Return a frame as text.

    Raises
    ------
    InputError
        If the format is unknown, or is parquet, which is no text.
    """
    writers = {"table": to_table, "csv": to_csv, "json": to_json}
    if form not in writers:
        hint = "parquet needs a file to write to" if form == "parquet" else _known(form)
        raise InputError(hint)
    return writers[form](frame)


def _known(form: str) -> str:
    return f"there is no format '{form}' (known: {', '.join(get_args(Format))})"


def export(frame: pd.DataFrame, path: Path, form: Format | None = None) -> Path:
    """Write a frame to a file; without ``form``, the ending of the name decides.

    Raises
    ------
    InputError
        If the format is unknown or the file cannot be written.
    """
    kind = form or {".txt": "table"}.get(path.suffix.lower(), path.suffix.lower().lstrip("."))
    if kind not in get_args(Format):
        raise InputError(_known(kind))
    try:
        if kind == "parquet":
            _parquet(frame, path)
        else:
            path.write_text(render(frame, kind), encoding="utf-8", newline="")  # type: ignore[arg-type]
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from error
    return path


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    safe = frame.copy()
    for place in range(safe.shape[1]):
        column = safe.iloc[:, place]
        if column.dtype.kind == "O":
            cells = [_cell(v) for v in column]
            kinds = {type(v) for v in cells if v is not None}
            # a column of mixed types has no place in parquet
            mixed = len(kinds - {int, float}) > 1 or (str in kinds and len(kinds) > 1)
            safe.isetitem(place, [None if v is None else str(v) for v in cells] if mixed else cells)
    safe.to_parquet(path, index=False)
