"""Lines of a TOML text: where each key, table and array element stands.

``tomllib`` gives values without places; tree-sitter gives the places. Together they let an error
in a value name the line that a user has to change.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

Path = tuple[str | int, ...]

_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})


@dataclass(frozen=True)
class SourceMap:
    """The content of a TOML text and the line of each of its parts.

    Attributes
    ----------
    file
        Name of the file, as errors give it.
    data
        What ``tomllib`` read.
    lines
        Line, counted from 1, of each path; a path is keys and array indices from the root.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, file: str) -> SourceMap:
        """Read a TOML text.

        Parameters
        ----------
        text
            The text.
        file
            Name of the file, for errors.

        Raises
        ------
        InputError
            With the line, if the text is not TOML.
        """
        data = _load(text, file)
        return cls(file=file, data=data, lines=_lines_of(text))

    def locate(self, *path: str | int) -> Location:
        """Return where a part stands: its own line, or that of its nearest ancestor in the text.

        Parameters
        ----------
        *path
            Keys and zero-based array indices from the root: ``"candidates", "library", 3``.
        """
        line = next(
            (self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines),
            None,
        )
        return Location(self.file, line, dotted(path) or None)


def dotted(path: Path) -> str:
    """Write a path for people: ``candidates.inline[0].smiles``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part) else json.dumps(part[:60])
            text += f".{key}" if text else key
    return text


def _load(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError("the TOML is nested too deeply", Location(file)) from None
    except ValueError as error:  # TOMLDecodeError, and numbers with thousands of digits
        message = str(error)
        place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$", message)
        line = None
        if place is not None:
            message = message[: place.start()]
            line = int(place.group(1)) if place.group(1) else max(1, len(text.splitlines()))
        if "integer string conversion" in message:
            message = "a number has too many digits"
            digits = re.search(r"[0-9][0-9_]{999,}", text)
            line = text.count("\n", 0, digits.start()) + 1 if digits else None
        raise InputError(
            f"this is not valid TOML: {message[:1].lower()}{message[1:]}", Location(file, line)
        ) from None


def _lines_of(text: str) -> dict[Path, int]:
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    lines: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    for node in parser.parse(text.encode()).root_node.named_children:
        base: Path = ()
        if node.type in {"table", "table_array_element"}:
            key = next((c for c in node.named_children if c.type in _KEYS), None)
            if key is None:
                continue
            base = _header(node, _key_parts(key), arrays, lines)
            pairs = [c for c in node.named_children if c.type == "pair"]
        else:
            pairs = [node] if node.type == "pair" else []
        for pair in pairs:
            for path, line in _walk_pair(pair, base):
                lines.setdefault(path, line)
    return lines


def _header(node: Node, keys: Path, arrays: dict[Path, int], lines: dict[Path, int]) -> Path:
    """Return the path that the lines below a ``[table]`` or ``[[array]]`` header belong to.

    A key of the header that names an array of tables stands for the array's last element.
    """
    line = node.start_point[0] + 1
    path: Path = ()
    for n, key in enumerate(keys):
        path = (*path, key)
        lines.setdefault(path, line)
        last = n == len(keys) - 1
        if last and node.type == "table_array_element":
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path = (*path, arrays[path])
    lines[path] = line
    return path


def _walk_pair(pair: Node, base: Path) -> Iterator[tuple[Path, int]]:
    named = [c for c in pair.named_children if c.type not in {"comment", "ERROR"}]
    if not named or named[0].type not in _KEYS:
        return
    line = named[0].start_point[0] + 1
    path = base
    for key in _key_parts(named[0]):
        path = (*path, key)
        yield path, line
    if len(named) > 1:
        yield from _walk_value(named[1], path)


def _walk_value(node: Node, path: Path) -> Iterator[tuple[Path, int]]:
    if node.type == "inline_table":
        for pair in node.named_children:
            if pair.type == "pair":
                yield from _walk_pair(pair, path)
    elif node.type == "array":
        elements = [c for c in node.named_children if c.type not in {"comment", "ERROR"}]
        for n, element in enumerate(elements):
            yield (*path, n), element.start_point[0] + 1
            yield from _walk_value(element, (*path, n))


def _key_parts(node: Node) -> tuple[str, ...]:
    """Split ``a."b c".d``; tomllib itself reads the quotes and escapes."""
    text = (node.text or b"").decode()
    try:
        table: Any = tomllib.loads(f"{text} = 0")
    except ValueError:
        return (text,)
    parts = []
    while isinstance(table, dict):
        ((key, table),) = table.items()
        parts.append(key)
    return tuple(parts)
