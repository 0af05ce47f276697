"""What the table of properties says of one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PropertyInfo:
    """What a property is."""

    name: str
    unit: str
    kind: str
    """the calculation that gives it"""
    description: str
